#include "engine.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string_view>

namespace srcsim {

using siprec::Endpoint;
using siprec::SteadyTime;
using std::chrono::milliseconds;

namespace {

// A finished call still answers what the peer repeats because our last message was lost.
constexpr std::chrono::seconds kLinger{4};
constexpr milliseconds kLongestWait{1000};

SteadyTime now() {
    return siprec::system_clock().steady_now();
}

PacerSettings pacer_settings(const Options& options) {
    return {payload_format(options.codec),
            unit_of(options.codec),
            options.ptime,
            options.with_rtcp,
            options.save_sent.has_value(),
            options.seed};
}

Result<void> watch(const Fd& epoll, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        return system_error("epoll_ctl");
    }
    return {};
}

// A request outside every call: a recorder may well ping its clients.
std::optional<Message> stray_answer(const Message& request) {
    if (!request.is_request() || request.method == "ACK") {
        return std::nullopt;
    }
    const bool is_options = request.method == "OPTIONS";
    Message response;
    response.status = is_options ? 200 : 481;
    response.reason = is_options ? "OK" : "Call/Transaction Does Not Exist";
    for (const std::string_view name : {"Via", "From", "To", "Call-ID", "CSeq"}) {
        for (const std::string_view value : request.values(name)) {
            response.add(name, value);
        }
    }
    return response;
}

siprec::srtp::Protection random_keys(siprec::srtp::Suite suite) {
    const auto& traits = siprec::srtp::traits(suite);
    siprec::srtp::MasterKey key;
    key.key = siprec::srtp::Secret::random(traits.key_bytes + traits.salt_bytes);
    siprec::srtp::Protection keys;
    keys.suite = suite;
    keys.keys.push_back(std::move(key));
    return keys;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(Options options, int signal_fd) {
    auto address = resolve(options.target.host);
    if (!address) {
        return std::move(address).error();
    }
    const Endpoint destination{
        *address,
        options.target.port.value_or(options.transport == siprec::Transport::Tls ? 5061 : 5060)};
    auto source = options.bind ? Result{*options.bind} : source_address(destination);
    if (!source) {
        return std::move(source).error();
    }
    options.bind = *source;
    Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    Fd media_events{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    if (!epoll.is_open() || !media_events.is_open()) {
        return system_error("epoll");
    }
    for (const int fd : {media_events.get(), signal_fd}) {
        if (auto watched = watch(epoll, fd); !watched) {
            return std::move(watched).error();
        }
    }
    std::unique_ptr<TlsContext> tls;
    if (options.transport == siprec::Transport::Tls) {
        auto loaded = TlsContext::load(options.tls);
        if (!loaded) {
            return std::move(loaded).error();
        }
        tls = std::move(*loaded);
    }
    auto transport =
        SipTransport::open(options.transport, {*source, 0}, epoll.get(), std::move(tls));
    if (!transport) {
        return std::move(transport).error();
    }
    std::shared_ptr<const siprec::srtp::Certificate> certificate;
    if (options.srtp == Srtp::Dtls) {
        auto made = siprec::srtp::Certificate::generate();
        if (!made) {
            return std::move(made).error();
        }
        certificate = *std::move(made);
    }
    return std::unique_ptr<Engine>{new Engine{std::move(options),
                                              std::move(certificate),
                                              std::move(epoll),
                                              std::move(media_events),
                                              signal_fd,
                                              destination,
                                              std::move(*transport)}};
}

Engine::Engine(Options options,
               std::shared_ptr<const siprec::srtp::Certificate> certificate,
               Fd epoll,
               Fd media_events,
               int signal_fd,
               Endpoint destination,
               std::unique_ptr<SipTransport> transport)
    : options_(std::move(options)),
      certificate_(std::move(certificate)),
      epoll_(std::move(epoll)),
      media_events_(std::move(media_events)),
      signal_fd_(signal_fd),
      destination_(destination),
      transport_(std::move(transport)),
      ports_(transport_->local().address, options_.media_ports),
      audio_(options_.codec, options_.audio, options_.mixed, options_.seed, options_.calls),
      pacer_(pacer_settings(options_), media_events_.get()),
      random_(options_.seed) {}

Report Engine::run() {
    const SipTransport::Handlers handlers{
        [this](const Message& message, const Endpoint& source) { on_message(message, source); },
        [this](const Endpoint& peer) {
            for (auto& [number, running] : calls_) {
                running.call.on_connection_lost(peer);
                serve(number, running);
            }
        }};
    constexpr int kMaxEvents = 64;
    started_ = now();
    while (signals_ < 2 && (live_ > 0 || (next_number_ < options_.calls && signals_ == 0))) {
        std::array<epoll_event, kMaxEvents> ready{};
        const int count = ::epoll_wait(epoll_.get(), ready.data(), kMaxEvents, next_wait(now()));
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = ready[static_cast<std::size_t>(i)];
            if (event.data.fd == media_events_.get()) {
                on_media_events();
            } else if (event.data.fd == signal_fd_) {
                on_signal();
            } else {
                (void)transport_->handle(event.data.fd, event.events, handlers);
            }
        }
        const SteadyTime time = now();
        run_timers(time);
        start_due(time);
        forget_finished(time);
    }
    for (const auto& [number, running] : calls_) {
        if (!running.is_reported) {
            report_.add(number, running.call.call_id(), {false, "left before its end", {}, {}}, {});
        }
    }
    report_.set_duration(now() - started_);
    report_.set_worst_lateness(pacer_.worst_lateness());
    return std::move(report_);
}

int Engine::next_wait(SteadyTime time) const {
    SteadyTime next = time + kLongestWait;
    if (!timers_.empty()) {
        next = std::min(next, timers_.begin()->first);
    }
    if (next_number_ < options_.calls && signals_ == 0) {
        next = std::min(next, start_time(next_number_));
    }
    const auto wait =
        std::chrono::ceil<milliseconds>(std::max(next - time, SteadyTime::duration{}));
    return static_cast<int>(wait.count());
}

SteadyTime Engine::start_time(std::size_t number) const {
    const std::chrono::duration<double> offset{static_cast<double>(number) / options_.rate};
    return started_ + std::chrono::duration_cast<SteadyTime::duration>(offset);
}

void Engine::start_due(SteadyTime time) {
    while (next_number_ < options_.calls && signals_ == 0 && start_time(next_number_) <= time) {
        start_call(time);
    }
}

void Engine::start_call(SteadyTime time) {
    const std::size_t number = next_number_++;
    std::vector<MediaSockets> sockets;
    for (std::size_t i = 0; i < (options_.mixed ? 1U : 2U); ++i) {
        auto pair = ports_.open_pair();
        if (!pair) {
            report_.add(number, {}, {false, "media ports: " + pair.error().message(), {}, {}}, {});
            return;
        }
        sockets.push_back(std::move(*pair));
    }
    CallSettings settings = settings_for(number, sockets);
    auto [entry, is_new] = calls_.try_emplace(
        number, Running{Call{std::move(settings)}, std::move(sockets), kNever, false, {}, false});
    Running& running = entry->second;
    by_call_id_[running.call.call_id()] = number;
    ++live_;
    running.call.start(time);
    serve(number, running);
}

CallSettings Engine::settings_for(std::size_t number,
                                  const std::vector<MediaSockets>& sockets) const {
    CallSettings settings;
    settings.target = options_.to;
    settings.destination = destination_;
    settings.local = transport_->local();
    settings.transport = options_.transport;
    settings.offer.session_id = options_.seed * 1'000'000 + number + 1;
    settings.offer.srtp = options_.srtp;
    settings.offer.certificate = certificate_;
    settings.offer.format = payload_format(options_.codec);
    settings.offer.ptime_ms = static_cast<std::uint32_t>(options_.ptime.count());
    for (std::size_t i = 0; i < sockets.size(); ++i) {
        settings.offer.labels.push_back(i < options_.metadata_labels.size()
                                            ? options_.metadata_labels[i]
                                            : std::to_string(i + 1));
        settings.offer.local.push_back(sockets[i].local);
        if (options_.srtp == Srtp::Sdes) {
            settings.offer.keys.push_back(random_keys(options_.suite));
        }
    }
    settings.facts.ids = MetadataIds::random(sockets.size());
    settings.facts.labels = settings.offer.labels;
    settings.facts.caller = numbered(options_.caller, number);
    settings.facts.callee = numbered(options_.callee, number);
    settings.facts.transferee = {"Carol", "sip:carol@example.com"};
    settings.facts.start = siprec::system_clock().now();
    settings.metadata = options_.metadata;
    settings.user = options_.user;
    settings.password = options_.password;
    settings.duration = options_.duration;
    settings.timeout = options_.timeout;
    settings.update = options_.update;
    settings.hold = options_.hold;
    settings.is_lenient = options_.is_lenient;
    return settings;
}

void Engine::run_timers(SteadyTime time) {
    while (!timers_.empty() && timers_.begin()->first <= time) {
        const std::size_t number = timers_.begin()->second;
        timers_.erase(timers_.begin());
        Running& running = calls_.at(number);
        running.registered = kNever;
        running.call.on_timer(time);
        serve(number, running);
    }
}

void Engine::on_message(const Message& message, const Endpoint& source) {
    const auto found = by_call_id_.find(std::string{message.value("Call-ID")});
    if (found != by_call_id_.end()) {
        Running& running = calls_.at(found->second);
        running.call.on_message(message, source, now());
        serve(found->second, running);
    } else if (const auto answer = stray_answer(message)) {
        // The peer asks again when this is lost.
        (void)transport_->send(source, answer->to_text());
    }
}

void Engine::on_media_events() {
    eventfd_t ignored = 0;
    (void)::eventfd_read(media_events_.get(), &ignored);
    for (MediaEvent& event : pacer_.take_events()) {
        const auto found = calls_.find(event.call);
        if (found == calls_.end()) {
            continue;
        }
        Running& running = found->second;
        if (event.stats) {
            running.stats = std::move(event.stats);
            report_if_done(event.call, running);
        } else {
            running.call.on_media_done(now());
            serve(event.call, running);
        }
    }
}

void Engine::on_signal() {
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
        return;
    }
    // A terminal and a wrapper may both pass on the same one.
    constexpr std::chrono::seconds kSameSignal{1};
    const SteadyTime time = now();
    if (signals_ > 0 && time - signalled_ < kSameSignal) {
        return;
    }
    ++signals_;
    signalled_ = time;
    report_.set_interrupted();
    for (auto& [number, running] : calls_) {
        running.call.hang_up(time);
        serve(number, running);
    }
}

void Engine::forget_finished(SteadyTime time) {
    while (!lingering_.empty() && lingering_.front().first <= time) {
        const auto found = calls_.find(lingering_.front().second);
        timers_.erase({found->second.registered, found->first});
        by_call_id_.erase(found->second.call.call_id());
        calls_.erase(found);
        lingering_.pop_front();
    }
}

// Does what a call asks for, and notes when it wants to be woken.
void Engine::serve(std::size_t number, Running& running) {
    for (auto actions = running.call.take_actions(); !actions.empty();
         actions = running.call.take_actions()) {
        for (const Action& action : actions) {
            std::visit([&](const auto& a) { execute(number, running, a); }, action);
        }
    }
    const SteadyTime deadline = running.call.deadline();
    if (deadline != running.registered) {
        timers_.erase({running.registered, number});
        running.registered = deadline;
        if (deadline != kNever) {
            timers_.emplace(deadline, number);
        }
    }
}

void Engine::execute(std::size_t /*number*/, Running& running, const Send& action) {
    if (const auto sent = transport_->send(action.to, action.text); !sent) {
        running.call.on_send_error(Result<void>{sent}.error().message());
    }
}

void Engine::execute(std::size_t number, Running& running, const StartMedia& action) {
    std::vector<StreamSetup> streams;
    for (std::size_t i = 0; i < running.sockets.size(); ++i) {
        StreamSetup setup;
        setup.sockets = std::move(running.sockets[i]);
        setup.target = action.streams[i];
        setup.clip = audio_.clip(number, i);
        setup.ssrc = static_cast<std::uint32_t>(random_());
        setup.first_timestamp = static_cast<std::uint32_t>(random_());
        setup.first_sequence = static_cast<std::uint16_t>(random_());
        streams.push_back(std::move(setup));
    }
    running.sockets.clear();
    running.has_media = true;
    pacer_.start(
        number, std::move(streams), static_cast<std::uint64_t>(options_.duration / options_.ptime));
}

void Engine::execute(std::size_t number, Running& /*running*/, const ChangeMedia& action) {
    pacer_.change(number, action.streams);
}

void Engine::execute(std::size_t number, Running& /*running*/, const StopMedia& /*action*/) {
    pacer_.stop(number);
}

void Engine::execute(std::size_t number, Running& running, const Finished& /*action*/) {
    running.sockets.clear();
    report_if_done(number, running);
}

void Engine::report_if_done(std::size_t number, Running& running) {
    if (running.is_reported || !running.call.is_finished() ||
        (running.has_media && !running.stats)) {
        return;
    }
    const std::vector<StreamStats> streams = running.stats.value_or(std::vector<StreamStats>{});
    report_.add(number, running.call.call_id(), running.call.outcome(), streams);
    if (options_.save_sent) {
        save_sent(*options_.save_sent, number, streams);
    }
    running.stats.reset();
    running.is_reported = true;
    --live_;
    lingering_.emplace_back(now() + kLinger, number);
}

void Engine::save_sent(const std::filesystem::path& folder,
                       std::size_t number,
                       const std::vector<StreamStats>& streams) {
    for (std::size_t i = 0; i < streams.size(); ++i) {
        const auto file =
            folder / ("call-" + std::to_string(number) + "-stream-" + std::to_string(i) + "." +
                      std::string{file_suffix(options_.codec)});
        std::ofstream out{file, std::ios::binary};
        for (const std::byte byte : streams[i].sent) {
            out.put(static_cast<char>(byte));
        }
        out.close();
        if (!out) {
            std::cerr << "siprec-src: cannot write " << file.string() << '\n';
            report_.set_write_failed();
        }
    }
}

}  // namespace srcsim
