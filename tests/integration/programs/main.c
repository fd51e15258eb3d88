/*
 * threads PCM playback|capture
 *
 * Prints a line a case, and exits with 1 when one has failed.
 */

#include "threads.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    kChannels = 2,
    kRate = 48000,
    kLatencyUs = 300000,
    kMostXruns = 20,
    kDeadlineS = 20
};

void Expect(const char* what, bool holds) {
    if (holds) return;
    fprintf(stderr, "expected: %s\n", what);
    _exit(1);
}

void Require(const char* what, long result) {
    if (result >= 0) return;
    fprintf(stderr, "%s: %s\n", what, snd_strerror((int)result));
    _exit(1);
}

snd_pcm_sframes_t Move(struct context* context, snd_pcm_uframes_t frames) {
    if (context->direction == SND_PCM_STREAM_PLAYBACK)
        return snd_pcm_writei(context->pcm, context->sound, frames);
    return snd_pcm_readi(context->pcm, context->sound, frames);
}

void MoveAll(struct context* context, snd_pcm_uframes_t frames) {
    snd_pcm_sframes_t result = -EPIPE;
    /* On a busy machine this process may be late, which is an xrun and no fault. */
    for (int i = 0; i < kMostXruns && result == -EPIPE; ++i) {
        result = Move(context, frames);
        if (result == -EPIPE) Require("prepare", snd_pcm_prepare(context->pcm));
    }
    Require("moving frames", result);
    Expect("all of the frames", (snd_pcm_uframes_t)result == frames);
}

static void Fill(struct context* context) {
    snd_pcm_uframes_t buffer = 0, period = 0;
    Require("get_params", snd_pcm_get_params(context->pcm, &buffer, &period));
    if (context->direction == SND_PCM_STREAM_PLAYBACK)
        Require("fill", Move(context, buffer - period));
}

void Reach(struct context* context, enum stage stage) {
    if (stage == kClosed) return;
    Require("open", snd_pcm_open(&context->pcm, context->name, context->direction, 0));
    if (stage == kOpen) return;
    const snd_pcm_access_t access = stage == kMapped ? SND_PCM_ACCESS_MMAP_INTERLEAVED
                                                     : SND_PCM_ACCESS_RW_INTERLEAVED;
    Require("set_params", snd_pcm_set_params(context->pcm, SND_PCM_FORMAT_S16_LE, access,
                                             kChannels, kRate, 1, kLatencyUs));
    if (stage == kFull || stage == kRunning) Fill(context);
    if (stage == kRunning && snd_pcm_state(context->pcm) != SND_PCM_STATE_RUNNING)
        Require("start", snd_pcm_start(context->pcm));
}

void RequireUsable(struct context* context) {
    if (snd_pcm_state(context->pcm) > SND_PCM_STATE_SETUP)
        Require("drop", snd_pcm_drop(context->pcm));
    Require("set_params", snd_pcm_set_params(context->pcm, SND_PCM_FORMAT_S16_LE,
                                             SND_PCM_ACCESS_RW_INTERLEAVED, kChannels,
                                             kRate, 1, kLatencyUs));
    MoveAll(context, kRate / 4);
    Require("drain", snd_pcm_drain(context->pcm));
    Require("close", snd_pcm_close(context->pcm));
    context->pcm = NULL;
}

void AwaitPoll(int tid) {
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", tid);
    while (strtol(text, NULL, 10) != SYS_poll || text[0] == 'r') {
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        Expect("the thread lives", file >= 0);
        memset(text, 0, sizeof text);
        Expect("its system call is known", read(file, text, sizeof text - 1) > 0);
        close(file);
    }
}

int RunCase(const char* what, const char* name, snd_pcm_stream_t direction,
            void (*body)(struct context* context, const void* argument),
            const void* argument) {
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0) {
        struct context* context = calloc(1, sizeof *context);
        context->name = name;
        context->direction = direction;
        alarm(kDeadlineS); /* what hangs ends with SIGALRM */
        body(context, argument);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        printf("%s: %s\n", what, strsignal(WTERMSIG(status)));
    else
        printf("%s: %s\n", what, status == 0 ? "fine" : "failed");
    fflush(stdout);
    return status != 0;
}

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const snd_pcm_stream_t direction = strcmp(argv[2], "capture") == 0
                                           ? SND_PCM_STREAM_CAPTURE
                                           : SND_PCM_STREAM_PLAYBACK;
    const int failed = CancelInEachCall(argv[1], direction);
    return failed | LeaveCalls(argv[1], direction);
}
