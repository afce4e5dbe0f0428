#include "websocket/session_facts.hpp"

#include <utility>

namespace siprec::websocket {

std::vector<std::string> SessionFacts::set_stream(const StreamInfo& stream, bool is_open) {
    const base::MutexLock lock(mutex_);
    streams_[stream.media_index] = stream;
    std::string& message = stream_messages_[stream.media_index];
    message = stream_message(stream, is_open);
    std::vector<std::string> news{message};
    update_participants(news);
    return news;
}

std::vector<std::string> SessionFacts::set_metadata(const metadata::Document& document) {
    const base::MutexLock lock(mutex_);
    document_ = document;
    metadata_message_ = metadata_message(document);
    std::vector<std::string> news{metadata_message_};
    update_participants(news);
    return news;
}

void SessionFacts::update_participants(std::vector<std::string>& news) {
    auto now = participant_messages(document_, streams_);
    for (const auto& [id, message] : now) {
        const auto before = participants_.find(id);
        if (before == participants_.end() || before->second != message) {
            news.push_back(message);
        }
    }
    for (const auto& [id, message] : participants_) {
        if (!now.contains(id)) {
            news.push_back(participant_left_message(id));
        }
    }
    participants_ = std::move(now);
}

std::vector<std::string> SessionFacts::greeting(std::uint32_t sample_rate,
                                                std::chrono::milliseconds frame,
                                                bool resumed) const {
    const base::MutexLock lock(mutex_);
    std::vector<std::string> messages{start_message(info_, sample_rate, frame, resumed)};
    for (const auto& [number, message] : stream_messages_) {
        messages.push_back(message);
    }
    if (!metadata_message_.empty()) {
        messages.push_back(metadata_message_);
    }
    for (const auto& [id, message] : participants_) {
        messages.push_back(message);
    }
    return messages;
}

}  // namespace siprec::websocket
