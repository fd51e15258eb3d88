/*
 * A thread that is to be cancelled makes one call: glibc would end it at the first
 * cancellation point, which is somewhere inside of the call. A call that does not wait
 * must come back, and a wait must end; the handle is in order for the main thread after
 * either.
 */

#include "threads.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kSomeFrames = 480, kSecond = 48000, kMostFds = 8, kTextBytes = 512 };

struct call {
    const char* name;
    enum stage stage;
    long (*make)(struct context* context);
    bool waits; /* so long that a cancellation is to end it */
};

static long Open(struct context* context) {
    return snd_pcm_open(&context->pcm, context->name, context->direction, 0);
}
static long Close(struct context* context) {
    const long result = snd_pcm_close(context->pcm);
    context->pcm = NULL;
    return result;
}
static long SetParams(struct context* context) {
    return snd_pcm_set_params(context->pcm, SND_PCM_FORMAT_S16_LE,
                              SND_PCM_ACCESS_RW_INTERLEAVED, 2, 44100, 1, 100000);
}
static long HwFree(struct context* context) {
    return snd_pcm_hw_free(context->pcm);
}
static long SwParams(struct context* context) {
    snd_pcm_sw_params_t* params;
    snd_pcm_sw_params_alloca(&params);
    snd_pcm_sw_params_current(context->pcm, params);
    return snd_pcm_sw_params(context->pcm, params);
}
static long Prepare(struct context* context) {
    return snd_pcm_prepare(context->pcm);
}
static long Reset(struct context* context) {
    return snd_pcm_reset(context->pcm);
}
static long Start(struct context* context) {
    if (snd_pcm_state(context->pcm) == SND_PCM_STATE_RUNNING) return 0;
    return snd_pcm_start(context->pcm);
}
static long Drop(struct context* context) {
    return snd_pcm_drop(context->pcm);
}
static long Drain(struct context* context) {
    return snd_pcm_drain(context->pcm);
}
static long DrainNonblock(struct context* context) {
    snd_pcm_nonblock(context->pcm, 1);
    const long result = snd_pcm_drain(context->pcm);
    snd_pcm_nonblock(context->pcm, 0);
    return result == -EAGAIN ? 0 : result;
}
static long Pause(struct context* context) {
    const long result = snd_pcm_pause(context->pcm, 1);
    return result < 0 ? result : snd_pcm_pause(context->pcm, 0);
}
static long Delay(struct context* context) {
    snd_pcm_sframes_t delay;
    return snd_pcm_delay(context->pcm, &delay);
}
static long AvailUpdate(struct context* context) {
    return snd_pcm_avail_update(context->pcm);
}
static long Avail(struct context* context) {
    return snd_pcm_avail(context->pcm);
}
static long Rewind(struct context* context) {
    return snd_pcm_rewind(context->pcm, kSomeFrames / 2);
}
static long Descriptors(struct context* context) {
    struct pollfd fds[kMostFds];
    return snd_pcm_poll_descriptors(context->pcm, fds, kMostFds);
}
static long Revents(struct context* context) {
    struct pollfd fds[kMostFds];
    unsigned short events;
    const int count = snd_pcm_poll_descriptors(context->pcm, fds, kMostFds);
    for (int i = 0; i < count; ++i)
        fds[i].revents = fds[i].events;
    return snd_pcm_poll_descriptors_revents(context->pcm, fds, (unsigned)count, &events);
}
static long Transfer(struct context* context) {
    snd_pcm_nonblock(context->pcm, 1);
    const long result = Move(context, kSomeFrames);
    snd_pcm_nonblock(context->pcm, 0);
    return result == -EAGAIN ? 0 : result;
}
static long TransferAndWait(struct context* context) {
    return Move(context, kSecond);
}
static long Wait(struct context* context) {
    long result = kSomeFrames;
    while (result > 0)
        result = Transfer(context); /* until there is something to wait for */
    if (result == 0) result = snd_pcm_wait(context->pcm, -1);
    return result;
}
static long MmapCommit(struct context* context) {
    const snd_pcm_channel_area_t* areas;
    snd_pcm_uframes_t offset, frames = kSomeFrames;
    long result = snd_pcm_avail_update(context->pcm);
    if (result >= 0) result = snd_pcm_mmap_begin(context->pcm, &areas, &offset, &frames);
    return result < 0 ? result : snd_pcm_mmap_commit(context->pcm, offset, frames);
}
static long QueryChmaps(struct context* context) {
    snd_pcm_chmap_query_t** maps = snd_pcm_query_chmaps(context->pcm);
    snd_pcm_free_chmaps(maps);
    return maps == NULL ? -EIO : 0;
}
static long SetChmap(struct context* context) {
    snd_pcm_chmap_t* map = snd_pcm_get_chmap(context->pcm);
    if (map == NULL) return -EIO;
    const unsigned left = map->pos[0];
    map->pos[0] = map->pos[1];
    map->pos[1] = left;
    const long result = snd_pcm_set_chmap(context->pcm, map);
    free(map);
    return result;
}

static const struct call kCalls[] = {
    {"open", kClosed, Open, false},
    {"close", kRunning, Close, false},
    {"hw_params", kOpen, SetParams, false},
    {"hw_free", kPrepared, HwFree, false},
    {"sw_params", kPrepared, SwParams, false},
    {"prepare", kFull, Prepare, false},
    {"reset", kRunning, Reset, false},
    {"start", kFull, Start, false},
    {"drop", kRunning, Drop, false},
    {"drain", kRunning, Drain, true},
    {"drain without waiting", kRunning, DrainNonblock, false},
    {"pause", kRunning, Pause, false},
    {"delay", kRunning, Delay, false},
    {"avail_update", kRunning, AvailUpdate, false},
    {"avail", kRunning, Avail, false},
    {"rewind", kRunning, Rewind, false},
    {"wait", kFull, Wait, true},
    {"poll_descriptors", kRunning, Descriptors, false},
    {"poll_revents", kRunning, Revents, false},
    {"transfer", kRunning, Transfer, false},
    {"transfer that waits", kPrepared, TransferAndWait, true},
    {"mmap_commit", kMapped, MmapCommit, false},
    {"query_chmaps", kPrepared, QueryChmaps, false},
    {"set_chmap", kPrepared, SetChmap, false},
};

struct caller {
    struct context* context;
    const struct call* call;
    int state; /* of cancellation, while it calls */
    int state_afterwards;
    long result;
    bool came_back;
};

static void* MakeTheCall(void* argument) {
    struct caller* caller = argument;
    pthread_setcancelstate(caller->state, NULL);
    pthread_cancel(pthread_self());
    caller->result = caller->call->make(caller->context);
    caller->came_back = true;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &caller->state_afterwards);
    pthread_testcancel();
    return NULL;
}

static void Cancel(struct context* context, const struct call* call, int state) {
    struct caller caller = {.context = context, .call = call, .state = state};
    pthread_t thread;
    void* end = NULL;
    Reach(context, call->stage);
    Require("pthread_create", -pthread_create(&thread, NULL, MakeTheCall, &caller));
    Require("pthread_join", -pthread_join(thread, &end));
    Expect("the thread is cancelled", end == PTHREAD_CANCELED);
    const bool is_ended =
        call->waits && state == PTHREAD_CANCEL_ENABLE &&
        (call->make != Drain || context->direction == SND_PCM_STREAM_PLAYBACK);
    Expect("a call that does not wait comes back, a wait ends",
           caller.came_back == !is_ended);
    if (caller.came_back) {
        Require(call->name, caller.result);
        Expect("whether it can be cancelled is as before",
               caller.state_afterwards == state);
    }
    if (context->pcm != NULL) RequireUsable(context);
}

static void CancelEnabled(struct context* context, const void* call) {
    Cancel(context, call, PTHREAD_CANCEL_ENABLE);
}
static void CancelDisabled(struct context* context, const void* call) {
    Cancel(context, call, PTHREAD_CANCEL_DISABLE);
}

/** A thread that opens a PCM of a server that does not answer. */
static void* OpenInVain(void* argument) {
    struct caller* caller = argument;
    pthread_setcanceltype(caller->state, NULL);
    caller->result = Open(caller->context);
    caller->came_back = true;
    pthread_testcancel();
    return NULL;
}

static int Listen(char* name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "silent-%d", (int)getpid());
    const int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    Require("bind", bind(listener, (struct sockaddr*)&address, sizeof address));
    Require("listen", listen(listener, 1));
    char folder[kTextBytes / 2];
    Expect("a folder", getcwd(folder, sizeof folder) != NULL);
    snprintf(name, kTextBytes, "shm:SERVER=%s/%s", folder, address.sun_path);
    return listener;
}

/** It waits inside of the call when it is cancelled, and the server goes then. */
static void CancelWhileItConnects(struct context* context, const void* type) {
    char name[kTextBytes], hello[kTextBytes];
    Reach(context, kOpen); /* reads the configuration, which has cancellation points */
    Require("close", Close(context));
    const int listener = Listen(name);
    context->name = name;
    struct caller caller = {.context = context, .state = *(const int*)type};
    pthread_t thread;
    void* end = NULL;
    Require("pthread_create", -pthread_create(&thread, NULL, OpenInVain, &caller));
    const int connection = accept(listener, NULL, NULL);
    Require("accept", connection);
    Require("hello", recv(connection, hello, sizeof hello, 0));
    pthread_cancel(thread);
    close(connection);
    Require("pthread_join", -pthread_join(thread, &end));
    const bool is_deferred = caller.state == PTHREAD_CANCEL_DEFERRED;
    /* Some versions of glibc do not say so of a thread that ends where its state changes.
     */
    if (is_deferred) Expect("the thread is cancelled", end == PTHREAD_CANCELED);
    Expect("it comes back, unless it can be cancelled at any time",
           caller.came_back == is_deferred);
    if (is_deferred) Expect("it has failed", caller.result < 0);
}

int CancelInEachCall(const char* name, snd_pcm_stream_t direction) {
    char what[kTextBytes];
    int failed = 0;
    snd_pcm_t* pcm;
    /* alsa-lib reads its configuration once, and that has cancellation points. */
    Require("open", snd_pcm_open(&pcm, name, direction, 0));
    snd_pcm_close(pcm);
    for (size_t i = 0; i < sizeof kCalls / sizeof *kCalls; ++i) {
        snprintf(what, sizeof what, "cancelled in %s", kCalls[i].name);
        failed |= RunCase(what, name, direction, CancelEnabled, &kCalls[i]);
        snprintf(what, sizeof what, "not to be cancelled in %s", kCalls[i].name);
        failed |= RunCase(what, name, direction, CancelDisabled, &kCalls[i]);
    }
    const int deferred = PTHREAD_CANCEL_DEFERRED, at_once = PTHREAD_CANCEL_ASYNCHRONOUS;
    failed |= RunCase("cancelled while it connects", name, direction,
                      CancelWhileItConnects, &deferred);
    failed |= RunCase("cancelled at any time, while it connects", name, direction,
                      CancelWhileItConnects, &at_once);
    return failed;
}
