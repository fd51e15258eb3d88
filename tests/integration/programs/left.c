/*
 * A signal handler leaves a call that waits, by siglongjmp or pthread_exit, or ends the
 * thread; a thread ends and leaves its handle to another.
 */

#include "threads.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { kSecond = 48000 };

/* How a signal handler leaves what it has interrupted. */
enum way { kJump, kExitThread };

static sigjmp_buf left;
static enum way way_out;

static void Leave(int signal_number) {
    (void)signal_number;
    if (way_out == kExitThread) pthread_exit(NULL);
    siglongjmp(left, 1);
}

struct waiter {
    struct context* context;
    bool drains; /* else it moves frames */
    int tid;
    pthread_barrier_t has_begun;
    int state_afterwards; /* of cancellation */
};

static void* WaitInACall(void* argument) {
    struct waiter* waiter = argument;
    waiter->tid = (int)gettid();
    waiter->state_afterwards = PTHREAD_CANCEL_ENABLE;
    pthread_barrier_wait(&waiter->has_begun);
    if (sigsetjmp(left, 1) == 0) {
        const long result = waiter->drains ? snd_pcm_drain(waiter->context->pcm)
                                           : Move(waiter->context, kSecond);
        Require("the call", result);
        Expect("the call is left", false);
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &waiter->state_afterwards);
    /* This thread's own use of it, before the main thread's. */
    Require("drop", snd_pcm_drop(waiter->context->pcm));
    Require("prepare", snd_pcm_prepare(waiter->context->pcm));
    return NULL;
}

static void LeaveAWait(struct context* context, bool drains, enum way way) {
    struct sigaction action = {.sa_handler = Leave};
    struct waiter waiter = {.context = context, .drains = drains};
    pthread_t thread;
    way_out = way;
    sigaction(SIGUSR1, &action, NULL);
    Reach(context, drains ? kRunning : kPrepared);
    pthread_barrier_init(&waiter.has_begun, NULL, 2);
    Require("pthread_create", -pthread_create(&thread, NULL, WaitInACall, &waiter));
    pthread_barrier_wait(&waiter.has_begun);
    AwaitPoll(waiter.tid);
    pthread_kill(thread, SIGUSR1);
    Require("pthread_join", -pthread_join(thread, NULL));
    Expect("a wait can be cancelled", waiter.state_afterwards == PTHREAD_CANCEL_ENABLE);
    RequireUsable(context);
}

static void JumpOutOfTransfer(struct context* context, const void* unused) {
    (void)unused;
    LeaveAWait(context, false, kJump);
}
static void JumpOutOfDrain(struct context* context, const void* unused) {
    (void)unused;
    LeaveAWait(context, true, kJump);
}
static void ExitOutOfTransfer(struct context* context, const void* unused) {
    (void)unused;
    LeaveAWait(context, false, kExitThread);
}
static void ExitOutOfDrain(struct context* context, const void* unused) {
    (void)unused;
    LeaveAWait(context, true, kExitThread);
}

static void* OpenAndExit(void* argument) {
    Reach(argument, kRunning);
    pthread_exit(NULL);
}

/** Nothing of a handle belongs to the thread that opened or started it. */
static void LeaveTheHandle(struct context* context, const void* unused) {
    (void)unused;
    pthread_t thread;
    Require("pthread_create", -pthread_create(&thread, NULL, OpenAndExit, context));
    Require("pthread_join", -pthread_join(thread, NULL));
    MoveAll(context, kSecond / 2);
    RequireUsable(context);
}

int LeaveCalls(const char* name, snd_pcm_stream_t direction) {
    int failed = 0;
    const bool plays = direction == SND_PCM_STREAM_PLAYBACK;
    failed |=
        RunCase("longjmp out of a transfer", name, direction, JumpOutOfTransfer, NULL);
    failed |= RunCase("pthread_exit out of a transfer", name, direction,
                      ExitOutOfTransfer, NULL);
    if (plays)
        failed |=
            RunCase("longjmp out of a drain", name, direction, JumpOutOfDrain, NULL);
    if (plays)
        failed |=
            RunCase("pthread_exit out of a drain", name, direction, ExitOutOfDrain, NULL);
    return failed | RunCase("a thread that ends", name, direction, LeaveTheHandle, NULL);
}
