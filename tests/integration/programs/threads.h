#pragma once

/*
 * Threads that end in, or leave, a call of a PCM. Each case runs in a process of its own,
 * so that a case whose process is killed fails alone.
 */

#include <alsa/asoundlib.h>
#include <stdbool.h>

/** What a case works with, made in a fresh process. Thread: see the case. */
struct context {
    const char* name; /**< the PCM's */
    snd_pcm_stream_t direction;
    snd_pcm_t* pcm; /**< NULL: not opened yet, or closed */
    short sound[2 * 48000];
};

/** How far the PCM is before the case begins. */
enum stage { kClosed, kOpen, kPrepared, kMapped, kFull, kRunning };

/** Bring `context` there. Errors: end the process with a line on standard error. */
void Reach(struct context* context, enum stage stage);

/** Write, or read, `frames` frames. @return snd_pcm_writei's, or snd_pcm_readi's */
snd_pcm_sframes_t Move(struct context* context, snd_pcm_uframes_t frames);

/** The same, again after an xrun. Errors: as Reach. */
void MoveAll(struct context* context, snd_pcm_uframes_t frames);

/** Stop it, move some frames, and close it: the handle is usable. Errors: as Reach. */
void RequireUsable(struct context* context);

/** End the process with `what` and the error's words unless `result` >= 0. */
void Require(const char* what, long result);

/** End the process with `what` unless it holds. */
void Expect(const char* what, bool holds);

/** Wait until thread `tid` of this process waits in poll(2). */
void AwaitPoll(int tid);

/** Test whether, and where, a thread is cancelled in each call. @return 0: passed */
int CancelInEachCall(const char* name, snd_pcm_stream_t direction);

/** Test that calls that wait can be left, and handles outlive threads. @return 0: passed
 */
int LeaveCalls(const char* name, snd_pcm_stream_t direction);

/** Run `body` in a process of its own and print its end. @return 0: it ended well */
int RunCase(const char* what, const char* name, snd_pcm_stream_t direction,
            void (*body)(struct context* context, const void* argument),
            const void* argument);
