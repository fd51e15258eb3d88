/*
 * own_malloc PCM
 *
 * A program with a malloc of its own that has no malloc_usable_size, as Electric Fence
 * has none: what lies before an object is no header of glibc's. It opens the PCM and asks
 * for what it is offered.
 */

#include <alsa/asoundlib.h>
#include <stdio.h>
#include <string.h>

enum { kArenaBytes = 64 << 20, kAlignment = 16 };

static union {
    long double aligned;
    char bytes[kArenaBytes];
} g_arena;
static size_t g_used;

/* Nothing is freed. The object's size stands before it, behind what is no size at all. */
void* malloc(size_t bytes) {
    const size_t room = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    char* head = g_arena.bytes +
                 __atomic_fetch_add(&g_used, room + 2 * kAlignment, __ATOMIC_RELAXED);
    if (head + room + 2 * kAlignment > g_arena.bytes + kArenaBytes) return NULL;
    memcpy(head, &bytes, sizeof bytes);
    memset(head + kAlignment, 0x58, kAlignment);
    return head + 2 * kAlignment;
}

void free(void* object) {
    (void)object;
}

void* calloc(size_t count, size_t bytes) {
    return malloc(count * bytes); /* the arena is zero */
}

void* realloc(void* object, size_t bytes) {
    size_t old;
    void* grown = malloc(bytes);
    if (object == NULL || grown == NULL) return grown;
    memcpy(&old, (char*)object - 2 * kAlignment, sizeof old);
    return memcpy(grown, object, old < bytes ? old : bytes);
}

int main(int argc, char** argv) {
    snd_pcm_t* pcm;
    snd_pcm_hw_params_t* params;
    if (argc != 2 || snd_pcm_open(&pcm, argv[1], SND_PCM_STREAM_PLAYBACK, 0) < 0)
        return 1;
    snd_pcm_hw_params_alloca(&params);
    if (snd_pcm_hw_params_any(pcm, params) < 0) return 1;
    snd_pcm_close(pcm);
    puts("fine");
    return 0;
}
