#pragma once

#include <siprec/error.hpp>

#include <type_traits>
#include <utility>
#include <variant>

namespace siprec {

/// A value or the `Error` that prevented it; the shape of `std::expected<T, Error>`, of which it
/// keeps a subset so that an alias can replace it. Reading the value of a failed result, or the
/// error of a good one, is a defect of the caller and ends the program.
template <typename T>
class [[nodiscard]] Result {
  public:
    using value_type = T;

    // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point of the type.
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}

    // NOLINTNEXTLINE(google-explicit-constructor): `return Error{...};` is the point of the type.
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    template <typename U>
        requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, T> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Error> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Result>)
    // NOLINTNEXTLINE(google-explicit-constructor, bugprone-forwarding-reference-overload)
    Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }

    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & { return std::get<0>(state_); }

    [[nodiscard]] const T& value() const& { return std::get<0>(state_); }

    [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }

    [[nodiscard]] Error& error() & { return std::get<1>(state_); }

    [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }

    [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }

    [[nodiscard]] T& operator*() & { return value(); }

    [[nodiscard]] const T& operator*() const& { return value(); }

    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }

    [[nodiscard]] T* operator->() { return &value(); }

    [[nodiscard]] const T* operator->() const { return &value(); }

    template <typename U>
    [[nodiscard]] T value_or(U&& fallback) const& {
        return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
    }

  private:
    std::variant<T, Error> state_;
};

/// Success, or the `Error` that prevented it.
template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;

    Result() = default;

    // NOLINTNEXTLINE(google-explicit-constructor): `return Error{...};` is the point of the type.
    Result(Error error) : error_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool has_value() const noexcept { return error_.index() == 0; }

    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] Error& error() & { return std::get<1>(error_); }

    [[nodiscard]] const Error& error() const& { return std::get<1>(error_); }

    [[nodiscard]] Error&& error() && { return std::get<1>(std::move(error_)); }

  private:
    std::variant<std::monostate, Error> error_;
};

}  // namespace siprec
