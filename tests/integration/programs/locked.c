/*
 * locked PCM KIB
 *
 * Locks its memory, that is yet to come too, as programs do that must not be late, and
 * may lock KIB more. With that it opens the PCM both ways, with a buffer of 100 ms. Exits
 * with 77 where it may lock too little for itself.
 */

#include <alsa/asoundlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { kNotPermitted = 77, kLatencyUs = 100000 };

static int Use(const char* name, snd_pcm_stream_t direction) {
    static short sound[2 * 480];
    snd_pcm_t* pcm;
    int error = snd_pcm_open(&pcm, name, direction, 0);
    if (error < 0) return error;
    error = snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
                               2, 48000, 1, kLatencyUs);
    if (error == 0 && direction == SND_PCM_STREAM_PLAYBACK)
        error = (int)snd_pcm_writei(pcm, sound, 480);
    snd_pcm_close(pcm);
    return error < 0 ? error : 0;
}

static int UseBothWays(const char* name) {
    const int error = Use(name, SND_PCM_STREAM_PLAYBACK);
    return error < 0 ? error : Use(name, SND_PCM_STREAM_CAPTURE);
}

static rlim_t LockedBytes(void) {
    char line[256];
    unsigned long kib = 0;
    FILE* status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %lu", &kib) == 1) break;
    fclose(status);
    return (rlim_t)kib << 10;
}

int main(int argc, char** argv) {
    struct rlimit limit;
    int error;
    if (argc != 3) return 2;
    error = UseBothWays(argv[1]); /* libraries stay, and are locked below */
    if (error < 0) return 1;
    getrlimit(RLIMIT_MEMLOCK, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return kNotPermitted;
    limit.rlim_cur = LockedBytes() + ((rlim_t)atoi(argv[2]) << 10);
    if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) return kNotPermitted;
    error = UseBothWays(argv[1]);
    printf("%s\n", error < 0 ? snd_strerror(error) : "fine");
    return error < 0;
}
