#pragma once

#include <alsa/asoundlib.h>
#include <pthread.h>
#include <cerrno>
#include <new>
#include <system_error>
#include <type_traits>

namespace shmd::plugin {

/** How alsa-lib is told of a failure: -errno, or NULL. */
template <typename Result>
Result Failure(int error) noexcept {
    if constexpr (std::is_pointer_v<Result>)
        return nullptr;
    else
        return static_cast<Result>(-error);
}

/** Run `body`; what it throws becomes its errno, and what is not ours EIO. */
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
 * Run `body` at alsa-lib's border: each callback and the entry do. Nothing may unwind out
 * of `body`: into alsa-lib's C goes -errno instead of an exception, and pthread_cancel(3)
 * waits until `body` has returned (glibc cancels a thread by unwinding it, which would
 * end the program at the first `noexcept`, and leave locks behind).
 *
 * Not noexcept itself, and without a destructor: a thread whose cancellation is
 * asynchronous ends where its state is put back.
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
 * Say `words` through alsa-lib. The program's own handler, which alsa-lib calls, may
 * throw: then the error that the words are about is still the answer.
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
