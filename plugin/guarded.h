#pragma once

#include <alsa/asoundlib.h>
#include <pthread.h>
#include <cerrno>
#include <new>
#include <system_error>
#include <type_traits>

namespace shmd::plugin {

/** What a callback returns to alsa-lib after a failure: -errno, or NULL. */
template <typename Result>
Result Failure(int error) noexcept {
    if constexpr (std::is_pointer_v<Result>)
        return nullptr;
    else
        return static_cast<Result>(-error);
}

/** Run `body`; an exception becomes its errno, one that is not ours EIO. */
template <typename Body>
auto WithoutThrowing(Body body) noexcept -> decltype(body()) {
    try {
        return body();
    } catch (const std::system_error& error) {
        return Failure<decltype(body())>(error.code().value());
    } catch (const std::bad_alloc&) {
        return Failure<decltype(body())>(ENOMEM);
    } catch (...) {
        return Failure<decltype(body())>(EIO);
    }
}

/**
 * Run `body` at alsa-lib's border, as each callback and the entry do. Nothing may unwind
 * out of `body`. alsa-lib's C gets -errno instead of an exception, and pthread_cancel(3)
 * takes effect after `body` has returned. (glibc cancels a thread by unwinding it, which
 * would end the program at the first `noexcept`, and leave locks held.)
 *
 * Not noexcept itself, and without a destructor: a thread whose cancellation is
 * asynchronous ends where its cancellation state is restored.
 *
 * Thread: any.  Realtime: yes, two atomic instructions more than `body`.  Errors: none.
 */
template <typename Body>
auto Guarded(Body body) -> decltype(body()) {
    int before = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    const auto result = WithoutThrowing(body);
    pthread_setcancelstate(before, &before);
    return result;
}

/**
 * Report `words` through alsa-lib's error handler. A program's own handler may throw; the
 * call that reports must still return the error that it reports.
 * Thread: any.  Realtime: no.  Errors: none.
 */
inline void Tell(const char* words) noexcept {
    try {
        SNDERR("shmd: %s", words);
    } catch (...) {
        return;
    }
}

}  // namespace shmd::plugin
