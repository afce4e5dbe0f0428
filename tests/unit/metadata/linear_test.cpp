// Work grows with the document and no faster: counted in memory asked for, which time cannot blur.
#include "fixtures.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

struct Work {
    std::size_t requests = 0;
    std::size_t bytes = 0;
};

thread_local Work work;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables): of this test

}  // namespace

void* operator new(std::size_t size) {
    ++work.requests;
    work.bytes += size;
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}

namespace siprec::metadata::test {

namespace {

ParseLimits wide_limits() {
    ParseLimits limits;
    limits.max_bytes = std::size_t{64} << 20U;
    limits.max_elements = 10'000'000;
    return limits;
}

std::string document_of(int participants, bool well_formed) {
    std::string text =
        "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><session session_id='s'/>";
    for (int i = 0; i < participants; ++i) {
        text += fmt::format(
            "<participant participant_id='p{0}'><nameID aor='sip:{0}@example.net'><name>N "
            "{0}</name>"
            "</nameID></participant><stream stream_id='m{0}' "
            "session_id='s'><label>{0}</label></stream>"
            "<participantsessionassoc participant_id='p{0}' session_id='s'/>"
            "<participantstreamassoc "
            "participant_id='p{0}'><send>m{0}</send></participantstreamassoc>"
            "<x xmlns='urn:x' n='{0}'>{0}</x>",
            i);
    }
    return text + (well_formed ? "</recording>" : "<v><sip:a@b></v");
}

/// What parsing a document takes, and merging it three times: new, repeated, and as a partial one.
Work cost_of(int participants, bool well_formed) {
    const std::string text = document_of(participants, well_formed);
    const Work before = work;
    auto read = parse(text, {}, wide_limits());
    REQUIRE(read);
    REQUIRE(read->document.participants.size() == static_cast<std::size_t>(participants));
    State state;
    state.apply(read->document, WallTime{});
    state.apply(read->document, WallTime{std::chrono::seconds(1)});
    read->document.mode = DataMode::Partial;
    state.apply(read->document, WallTime{std::chrono::seconds(2)});
    return {work.requests - before.requests, work.bytes - before.bytes};
}

}  // namespace

TEST_CASE("metadata: work grows with the number of participants and no faster",
          "[unit][metadata][linear]") {
    const bool well_formed = GENERATE(true, false);
    const Work small = cost_of(500, well_formed);
    const Work large = cost_of(5000, well_formed);
    CAPTURE(well_formed, small.requests, large.requests, small.bytes, large.bytes);
    // Ten times the input; growing arrays and longer numbers may cost a little more than that.
    CHECK(large.requests < 13 * small.requests);
    CHECK(large.bytes < 15 * small.bytes);
}

}  // namespace siprec::metadata::test
