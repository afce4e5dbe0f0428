#include "websocket/outbox.hpp"

#include "websocket/messages.hpp"

#include <algorithm>
#include <utility>

namespace siprec::websocket {

namespace {

// A receiver that loses one message in two is not helped by a third one about it.
constexpr std::chrono::seconds kBetweenLossMessages{1};

}  // namespace

void Outbox::push_text(std::string message) {
    const base::MutexLock lock(mutex_);
    if (!is_connected_ || is_finishing_ || is_overrun_) {
        return;
    }
    text_bytes_ += message.size();
    entries_.push_back({.message = {.bytes = std::move(message)}});
    if (text_bytes_ > queue_bytes_) {
        is_overrun_ = true;
        drop_texts();
    }
}

void Outbox::push_audio(std::uint32_t stream, std::uint64_t samples, std::string message) {
    const base::MutexLock lock(mutex_);
    if (is_finishing_) {
        return;
    }
    audio_bytes_ += message.size();
    entries_.push_back(
        {.message = {.bytes = std::move(message), .is_binary = true, .samples = samples},
         .stream = stream});
    while (audio_bytes_ > queue_bytes_) {
        const auto oldest = std::ranges::find_if(
            entries_, [](const Entry& entry) { return entry.message.is_binary; });
        lose(*oldest);
        entries_.erase(oldest);
    }
}

void Outbox::lose(const Entry& entry) {
    audio_bytes_ -= entry.message.bytes.size();
    losses_[entry.stream].samples += entry.message.samples;
    untold_.insert(entry.stream);
}

void Outbox::lose_packets(std::uint32_t stream, std::uint64_t packets) {
    const base::MutexLock lock(mutex_);
    losses_[stream].packets = packets;
    untold_.insert(stream);
}

void Outbox::finish(std::string farewell) {
    const base::MutexLock lock(mutex_);
    if (!std::exchange(is_finishing_, true)) {
        farewell_ = std::move(farewell);
    }
}

void Outbox::connect() {
    const base::MutexLock lock(mutex_);
    is_connected_ = true;
    is_overrun_ = false;
    told_at_.reset();
    // Who comes anew was told nothing.
    for (const auto& [stream, loss] : losses_) {
        untold_.insert(stream);
    }
}

void Outbox::disconnect() {
    const base::MutexLock lock(mutex_);
    is_connected_ = false;
    drop_texts();
}

void Outbox::drop_texts() {
    std::erase_if(entries_, [](const Entry& entry) { return !entry.message.is_binary; });
    text_bytes_ = 0;
}

std::optional<Message> Outbox::next(SteadyTime now) {
    const base::MutexLock lock(mutex_);
    if (auto loss = next_loss(now)) {
        return loss;
    }
    if (!entries_.empty()) {
        Message message = std::move(entries_.front().message);
        entries_.pop_front();
        (message.is_binary ? audio_bytes_ : text_bytes_) -= message.bytes.size();
        return message;
    }
    if (is_finishing_) {
        return Message{.bytes = farewell_, .is_last = true};
    }
    return std::nullopt;
}

std::optional<Message> Outbox::next_loss(SteadyTime now) {
    const bool is_due =
        !told_at_ || now - *told_at_ >= kBetweenLossMessages || (is_finishing_ && entries_.empty());
    if (untold_.empty() || !is_due) {
        return std::nullopt;
    }
    const std::uint32_t stream = *untold_.begin();
    untold_.erase(untold_.begin());
    if (untold_.empty()) {
        told_at_ = now;  // all of them are told in one go
    }
    return Message{.bytes = loss_message(stream, losses_[stream])};
}

bool Outbox::is_finishing() const {
    const base::MutexLock lock(mutex_);
    return is_finishing_;
}

bool Outbox::is_overrun() const {
    const base::MutexLock lock(mutex_);
    return is_overrun_;
}

Loss Outbox::abandon() {
    {
        const base::MutexLock lock(mutex_);
        is_finishing_ = true;
        for (const Entry& entry : entries_) {
            if (entry.message.is_binary) {
                lose(entry);
            }
        }
        entries_.clear();
        text_bytes_ = 0;
    }
    return lost();
}

Loss Outbox::lost() const {
    const base::MutexLock lock(mutex_);
    Loss all;
    for (const auto& [stream, loss] : losses_) {
        all.samples += loss.samples;
        all.packets += loss.packets;
    }
    return all;
}

}  // namespace siprec::websocket
