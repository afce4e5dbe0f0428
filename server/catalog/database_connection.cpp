#include "catalog/database_connection.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace siprec::server {

namespace {

/// With bounds on how long a host that has vanished, or a statement, can hold a caller up; what the
/// operator wrote himself stays. In the URL, so that they hold again whenever libpqxx re-connects.
std::string with_timeouts(std::string url) {
    const bool is_uri = url.starts_with("postgresql://") || url.starts_with("postgres://");
    const std::pair<std::string_view, std::string_view> settings[] = {
        {"client_encoding", "UTF8"},
        {"connect_timeout", "3"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "15000"},
        {"options", is_uri ? "-c%20statement_timeout%3D30s" : "'-c statement_timeout=30s'"}};
    char separator = ' ';
    if (is_uri) {
        separator = url.find('?') == std::string::npos ? '?' : '&';
    }
    for (const auto& [name, value] : settings) {
        if (url.find(fmt::format("{}=", name)) == std::string::npos) {
            url += fmt::format("{}{}={}", separator, name, value);
            separator = is_uri ? '&' : ' ';
        }
    }
    return url;
}

/// By SQLSTATE class (PostgreSQL, appendix A).
ErrorCode code_of(std::string_view sqlstate) {
    // Connection failure, rollback by deadlock or serialisation, operator intervention (shutdown,
    // statement timeout), a duplicate key from a race, a schema that is not there yet.
    for (const std::string_view passing : {"08", "40", "55", "57", "23505", "42P01", "42883"}) {
        if (sqlstate.starts_with(passing)) {
            return ErrorCode::Unavailable;
        }
    }
    if (sqlstate.starts_with("53")) {
        return ErrorCode::ResourceExhausted;
    }
    return sqlstate.starts_with("22") ? ErrorCode::InvalidArgument : ErrorCode::Internal;
}

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, text.find_last_not_of(" \n") + 1));
    for (char& c : line) {
        if (c == '\n') {
            c = ' ';
        }
    }
    return line;
}

}  // namespace

DatabaseConnection::DatabaseConnection(std::string url)
    : url_(url.empty() ? std::string{} : with_timeouts(std::move(url))) {}

pqxx::connection& DatabaseConnection::open() {
    if (connection_ && connection_->is_open()) {
        return *connection_;
    }
    if (url_.empty()) {
        throw pqxx::broken_connection("no database is configured");
    }
    connection_.reset();
    connection_ = std::make_unique<pqxx::connection>(url_);
    return *connection_;
}

Error DatabaseConnection::failure() {
    try {
        throw;
    } catch (const pqxx::in_doubt_error& error) {
        connection_.reset();
        return {ErrorCode::Timeout, one_line(error.what())};
    } catch (const pqxx::statement_completion_unknown& error) {
        connection_.reset();
        return {ErrorCode::Timeout, one_line(error.what())};
    } catch (const pqxx::broken_connection& error) {
        connection_.reset();
        return {ErrorCode::Unavailable, one_line(error.what())};
    } catch (const pqxx::sql_error& error) {
        const ErrorCode code =
            error.sqlstate().empty() ? ErrorCode::Unavailable : code_of(error.sqlstate());
        if (code == ErrorCode::Unavailable) {
            connection_.reset();
        }
        return {code, one_line(error.what())};
    } catch (const pqxx::transaction_rollback& error) {
        return {ErrorCode::Unavailable, one_line(error.what())};
    } catch (const pqxx::failure& error) {
        connection_.reset();
        return {ErrorCode::Unavailable, one_line(error.what())};
    } catch (const std::exception& error) {
        connection_.reset();
        return {ErrorCode::Internal, one_line(error.what())};
    } catch (...) {
        connection_.reset();
        return {ErrorCode::Internal, "the database library threw something unknown"};
    }
}

}  // namespace siprec::server
