// Real messages of real clients, read where they lie: each body comes apart as its index says, each
// offer is answered m-line by m-line, also after the damage that happens on the way.
#include <siprec/body.hpp>
#include <siprec/sdp.hpp>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using siprec::BodyPart;
using siprec::sdp::SessionDescription;

namespace {

std::filesystem::path corpus() {
    const char* given = std::getenv("SIPREC_CORPUS");
    return given != nullptr ? std::filesystem::path(given)
                            : std::filesystem::path(SIPREC_SOURCE_DIR) / ".." / "shared" / "corpus";
}

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
    std::vector<std::string> words;
    for (;;) {
        const std::size_t end = text.find(separator);
        words.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return words;
        }
        text.remove_prefix(end + separator.size());
    }
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
        text.replace(at, what.size(), with);
        at += with.size();
    }
    return text;
}

struct Sample {
    std::string file;
    std::string part_types;
    std::string m_lines;
    std::string labels;
    std::string content_type;
    std::string content_disposition;
    std::string body;
};

std::string header_value(std::string_view head, std::string_view name) {
    for (const std::string& line : split(head, "\r\n")) {
        const std::size_t colon = std::min(line.find(':'), line.size());
        std::string lower = line.substr(0, colon);
        std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
            return static_cast<char>(std::tolower(c));
        });
        if (lower == name && colon < line.size()) {
            return line.substr(colon + 1);
        }
    }
    return {};
}

void load(const std::string& kind, Sample& sample) {
    const std::string text = read(corpus() / sample.file);
    if (kind == "sip") {
        const std::size_t end = std::min(text.find("\r\n\r\n"), text.size());
        const std::string_view head = std::string_view(text).substr(0, end);
        sample.content_type = header_value(head, "content-type");
        sample.content_disposition = header_value(head, "content-disposition");
        sample.body = text.substr(std::min(end + 4, text.size()));
    } else if (kind == "mime") {
        const std::size_t dashes = text.starts_with("--") ? 0 : text.find("\n--") + 1;
        const std::size_t end = std::min(text.find_first_of("\r\n", dashes), text.size());
        sample.content_type = fmt::format("multipart/mixed;boundary=\"{}\"",
                                          text.substr(dashes + 2, end - dashes - 2));
        sample.body = text;
    } else {
        sample.content_type = "application/sdp";
        sample.part_types = sample.content_type;
        sample.body = text;
    }
}

const std::vector<Sample>& samples() {
    static const std::vector<Sample> all = [] {
        std::vector<Sample> loaded;
        std::istringstream index(read(corpus() / "INDEX.tsv"));
        std::string line;
        std::getline(index, line);
        const auto names = split(line, "\t");
        while (std::getline(index, line)) {
            const auto values = split(line, "\t");
            std::map<std::string, std::string> row;
            for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
                row[names[i]] = values[i];
            }
            if (row["kind"] == "xml") {
                continue;
            }
            Sample sample{.file = row["file"],
                          .part_types = row["part_types"],
                          .m_lines = row["m_lines"],
                          .labels = row["sdp_labels"],
                          .content_type = {},
                          .content_disposition = {},
                          .body = {}};
            load(row["kind"], sample);
            loaded.push_back(std::move(sample));
        }
        return loaded;
    }();
    return all;
}

/// False, with a word about it, where the corpus is not there.
bool corpus_is_there() {
    if (samples().empty()) {
        WARN("skipped: no corpus at " << corpus().string());
        return false;
    }
    return true;
}

std::vector<BodyPart> parts_of(const Sample& sample, const std::string& body) {
    auto parts = siprec::parse_body(sample.content_type, sample.content_disposition, body);
    if (!parts) {
        FAIL(sample.file << ": " << parts.error().to_string());
    }
    return *std::move(parts);
}

/// Answers an offer with all that can be taken, and checks that the answer mirrors it.
std::string check_answer(const SessionDescription& offer) {
    std::vector<siprec::sdp::MediaAnswer> media(offer.media.size());
    for (std::size_t i = 0; i < media.size(); ++i) {
        media[i].accept = true;
        media[i].port = static_cast<std::uint16_t>(20000 + 2 * i);
    }
    siprec::sdp::AnswerOptions options;
    options.address = siprec::IpAddress::v4({192, 0, 2, 1});
    const auto text = siprec::sdp::write_answer(offer, media, options);
    REQUIRE(text);
    const auto answer = siprec::sdp::parse(*text);
    REQUIRE(answer);
    REQUIRE(answer->media.size() == offer.media.size());
    CHECK(answer->timing == offer.timing);
    for (std::size_t i = 0; i < media.size(); ++i) {
        const auto& offered = offer.media[i];
        const auto& answered = answer->media[i];
        CHECK(answered.type == offered.type);
        CHECK(answered.protocol == offered.protocol);
        CHECK(answered.label == offered.label);
        CHECK(answered.port == (siprec::sdp::is_acceptable(offered) ? media[i].port : 0));
        if (answered.port != 0) {
            CHECK(answered.direction == siprec::sdp::answer_direction(offered));
            CHECK_FALSE(answered.formats.empty());
        }
    }
    return *text;
}

struct Offered {
    std::size_t m_lines = 0;
    std::string labels;
};

/// Parses and answers every SDP among the parts.
Offered answer_all(const std::vector<BodyPart>& parts) {
    Offered offered;
    for (const BodyPart& part : parts) {
        if (!part.is_sdp()) {
            continue;
        }
        const auto offer = siprec::sdp::parse(part.content);
        if (!offer) {
            FAIL(offer.error().to_string());
        }
        check_answer(*offer);
        for (const auto& media : offer->media) {
            offered.labels += offered.m_lines == 0 ? "" : ",";
            offered.labels += media.label.value_or("None");
            ++offered.m_lines;
        }
    }
    return offered;
}

void check_against_index(const Sample& sample, const std::vector<BodyPart>& parts) {
    INFO(sample.file);
    std::vector<std::string> types;
    for (const BodyPart& part : parts) {
        types.push_back(part.content_type);
    }
    CHECK(fmt::format("{}", fmt::join(types, " + ")) == sample.part_types);
    const Offered offered = answer_all(parts);
    CHECK(offered.m_lines == (sample.m_lines.empty() ? 0 : std::stoul(sample.m_lines)));
    CHECK(offered.labels == sample.labels);
}

}  // namespace

TEST_CASE("sdp: corpus bodies come apart and are answered as their index says",
          "[unit][sdp][body][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        const auto parts = parts_of(sample, sample.body);
        check_against_index(sample, parts);
        for (const BodyPart& part : parts) {
            INFO(sample.file);
            CHECK(sample.body.find(part.content) != std::string::npos);
        }
    }
    CHECK(samples().size() > 90);
}

TEST_CASE("sdp: corpus bodies survive bare LF line ends", "[unit][sdp][body][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        check_against_index(sample, parts_of(sample, replaced(sample.body, "\r\n", "\n")));
    }
}

TEST_CASE("sdp: corpus bodies survive the loss of the closing delimiter",
          "[unit][sdp][body][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        const std::size_t last = sample.body.rfind("\n--");
        if (last == std::string::npos) {
            continue;
        }
        const std::size_t end = sample.body.find_first_of("\r\n", last + 1);
        const std::string line = sample.body.substr(last + 1, end - last - 1);
        if (line.ends_with("--")) {
            check_against_index(sample, parts_of(sample, sample.body.substr(0, last + 1)));
        }
    }
}

TEST_CASE("sdp: corpus bodies mean the same with their parts swapped",
          "[unit][sdp][body][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        auto parts = parts_of(sample, sample.body);
        if (parts.size() < 2) {
            continue;
        }
        std::ranges::reverse(parts);
        const auto written = siprec::write_multipart(parts);
        auto again = siprec::parse_body(written.content_type, "", written.body);
        REQUIRE(again);
        std::ranges::reverse(*again);
        check_against_index(sample, *again);
    }
}

TEST_CASE("sdp: corpus offers without direction are answered recvonly", "[unit][sdp][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        std::string body = sample.body;
        for (const char* line : {"a=sendonly\r\n", "a=inactive\r\n", "a=sendrecv\r\n"}) {
            body = replaced(std::move(body), line, "");
        }
        const auto parts = parts_of(sample, body);
        check_against_index(sample, parts);
        for (const BodyPart& part : parts) {
            const auto offer = siprec::sdp::parse(part.content);
            if (!part.is_sdp() || !offer) {
                continue;
            }
            for (const auto& media : offer->media) {
                const bool held = media.connection && media.connection->is_unspecified();
                CHECK((siprec::sdp::answer_direction(media) == siprec::sdp::Direction::RecvOnly) !=
                      held);
            }
        }
    }
}

TEST_CASE("sdp: corpus offers cut off at any line keep the m-lines in front of the cut",
          "[unit][sdp][corpus]") {
    if (!corpus_is_there()) {
        return;
    }
    for (const Sample& sample : samples()) {
        for (const BodyPart& part : parts_of(sample, sample.body)) {
            if (!part.is_sdp()) {
                continue;
            }
            std::string kept;
            std::size_t m_lines = 0;
            for (const std::string& line : split(part.content, "\r\n")) {
                kept += line + "\r\n";
                m_lines += line.starts_with("m=") ? 1U : 0U;
                const auto offer = siprec::sdp::parse(kept);
                INFO(sample.file << " up to " << line);
                REQUIRE(offer.has_value() == (m_lines > 0));
                if (offer) {
                    CHECK(offer->media.size() == m_lines);
                    check_answer(*offer);
                }
            }
        }
    }
}

TEST_CASE("sdp: corpus keys do not survive blanking", "[unit][sdp][corpus][rfc4568]") {
    if (!corpus_is_there()) {
        return;
    }
    std::size_t keys = 0;
    for (const Sample& sample : samples()) {
        const std::string blanked = siprec::sdp::blank_keys(sample.body);
        CHECK(blanked.size() == sample.body.size());
        for (std::size_t at = blanked.find("inline:"); at != std::string::npos;
             at = blanked.find("inline:", at + 1)) {
            CHECK(blanked.at(at + 7) == '*');
            ++keys;
        }
    }
    CHECK(keys > 0);
}
