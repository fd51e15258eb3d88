#pragma once

#include <cerrno>
#include <new>
#include <system_error>

namespace shmd::plugin {

/** Run `body`; what it throws becomes -errno: nothing may unwind into alsa-lib's C. */
template <typename Body>
auto Guarded(Body body) noexcept -> decltype(body()) {
    try {
        return body();
    } catch (const std::system_error& error) {
        return static_cast<decltype(body())>(-error.code().value());
    } catch (const std::bad_alloc&) {
        return static_cast<decltype(body())>(-ENOMEM);
    } catch (...) {
        return static_cast<decltype(body())>(-EIO);
    }
}

}  // namespace shmd::plugin
