/* dmix's loop for 16 bits, from alsa-lib's own source, where bench/get-peers put it: what
 * dmix runs on a machine with more than one processor. bench/kernels.py compiles this. */

#include <stddef.h>

#define MIX_AREAS_16 MixAreas16
#define MIX_AREAS_32 MixAreas32
#define MIX_AREAS_24 MixAreas24
#define LOCK_PREFIX "lock ; "
#define XADD "addl"
#define XSUB "subl"
#include "pcm_dmix_x86_64.h"

/* One stream's samples, added to what all share. */
void ShmdBenchMixByDmix(unsigned samples, short* shared, short* stream, int* sum) {
    MixAreas16(samples, shared, stream, sum, sizeof *shared, sizeof *stream, sizeof *sum);
}
