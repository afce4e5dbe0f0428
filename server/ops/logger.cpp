#include "ops/logger.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace siprec::server {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::Debug:
            return spdlog::level::debug;
        case LogLevel::Info:
            return spdlog::level::info;
        case LogLevel::Warning:
            return spdlog::level::warn;
        case LogLevel::Error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void append_escaped(std::string& line, std::string_view text) {
    for (const char c : text) {
        if (is_control(c)) {
            line += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            if (c == '"' || c == '\\') {
                line += '\\';
            }
            line += c;
        }
    }
}

class SpdLogger final : public ServerLogger {
  public:
    explicit SpdLogger(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

    void set_level(LogLevel level) override { logger_->set_level(spdlog_level(level)); }

    void write(LogLevel level,
               std::string_view component,
               std::string_view message,
               std::span<const LogField> fields) noexcept override {
        try {
            const auto spd_level = spdlog_level(level);
            if (!logger_->should_log(spd_level)) {
                return;
            }
            std::string line = fmt::format("{}: ", component);
            std::ranges::replace_copy_if(message, std::back_inserter(line), is_control, ' ');
            for (const LogField& field : fields) {
                line += ' ';
                append_field(line, field);
            }
            logger_->log(spd_level, line);
        } catch (const std::exception&) {
            // A line that cannot be written must not end a recording.
            return;
        }
    }

  private:
    std::shared_ptr<spdlog::logger> logger_;  // spdlog hands its loggers out shared
};

}  // namespace

Result<std::unique_ptr<ServerLogger>> ServerLogger::open(const std::string& file, LogLevel level) {
    try {
        spdlog::sink_ptr sink;
        if (file.empty()) {
            sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        } else {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
        }
        auto logger = std::make_shared<spdlog::logger>("siprec", std::move(sink));
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %l %v", spdlog::pattern_time_type::utc);
        logger->set_level(spdlog_level(level));
        logger->flush_on(spdlog::level::debug);
        return std::unique_ptr<ServerLogger>(std::make_unique<SpdLogger>(std::move(logger)));
    } catch (const std::exception& error) {
        return Error(ErrorCode::Io, fmt::format("log file {}: {}", file, error.what()));
    }
}

LogLevel log_level_of(std::string_view name) noexcept {
    if (name == "debug") {
        return LogLevel::Debug;
    }
    if (name == "warning") {
        return LogLevel::Warning;
    }
    return name == "error" ? LogLevel::Error : LogLevel::Info;
}

void append_field(std::string& line, const LogField& field) {
    line += field.name;
    line += '=';
    const bool is_word = !field.value.empty() && std::ranges::none_of(field.value, [](char c) {
        return c == ' ' || c == '"' || c == '=' || c == '\\' || is_control(c);
    });
    if (is_word) {
        line += field.value;
        return;
    }
    line += '"';
    append_escaped(line, field.value);
    line += '"';
}

}  // namespace siprec::server
