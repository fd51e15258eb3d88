"""What openal.py has OpenAL do: MODE FILE, on the device that $ALSOFT_CONF names.

What is played and recorded are raw frames, S16_LE, of two channels at 48 kHz. The library
is called through ctypes, so that no headers are needed.
"""

import ctypes
import sys
import time

RATE = 48000
FRAME_BYTES = 4
CHUNK_BYTES = RATE // 10 * FRAME_BYTES
AL_FORMAT_STEREO16 = 0x1103
AL_SOURCE_STATE, AL_STOPPED = 0x1010, 0x1014
AL_BUFFER, AL_BUFFERS_PROCESSED = 0x1009, 0x1016
AL_DIRECT_CHANNELS_SOFT = 0x1033
ALC_CAPTURE_SAMPLES = 0x312
al = ctypes.CDLL("libopenal.so.1")
for name in ("alcOpenDevice", "alcCreateContext", "alcCaptureOpenDevice"):
    getattr(al, name).restype = ctypes.c_void_p


def require(holds, what):
    if not holds:
        sys.exit(f"OpenAL: {what}")


def integer(source, what):
    value = ctypes.c_int()
    al.alGetSourcei(source, what, ctypes.byref(value))
    return value.value


def fill(buffer, data):
    al.alBufferData(buffer, AL_FORMAT_STEREO16, data, len(data), RATE)


def queue(source, buffer):
    al.alSourceQueueBuffers(source, 1, ctypes.byref(ctypes.c_uint(buffer)))


def stream(source, data):
    """Keep four buffers of a tenth of a second in the source's queue, to its end."""
    chunks = [data[at:at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    buffers = (ctypes.c_uint * 4)()
    al.alGenBuffers(4, buffers)
    for buffer, chunk in zip(buffers, chunks):
        fill(buffer, chunk)
        queue(source, buffer)
    al.alSourcePlay(source)
    for chunk in chunks[4:]:
        while not integer(source, AL_BUFFERS_PROCESSED):
            time.sleep(0.01)
        buffer = ctypes.c_uint()
        al.alSourceUnqueueBuffers(source, 1, ctypes.byref(buffer))
        fill(buffer.value, chunk)
        queue(source, buffer.value)
    while integer(source, AL_SOURCE_STATE) != AL_STOPPED:
        time.sleep(0.01)
    al.alSourcei(source, AL_BUFFER, 0)
    al.alDeleteBuffers(4, buffers)


def play(path):
    with open(path, "rb") as file:
        data = file.read()
    device = ctypes.c_void_p(al.alcOpenDevice(None))
    require(device, "no device")
    context = ctypes.c_void_p(al.alcCreateContext(device, None))
    require(al.alcMakeContextCurrent(context), "no context")
    source = ctypes.c_uint()
    al.alGenSources(1, ctypes.byref(source))
    al.alSourcei(source, AL_DIRECT_CHANNELS_SOFT, 1)  # left to left, right to right
    # Silence first, for it fades a source in; and last, for it does not drain.
    stream(source, bytes(CHUNK_BYTES) + data + bytes(4 * CHUNK_BYTES))
    al.alDeleteSources(1, ctypes.byref(source))
    require(al.alGetError() == 0, "an error")
    al.alcMakeContextCurrent(None)
    al.alcDestroyContext(context)
    al.alcCloseDevice(device)


def record(path):
    device = ctypes.c_void_p(al.alcCaptureOpenDevice(None, RATE, AL_FORMAT_STEREO16, RATE))
    require(device, "no device for capture")
    al.alcCaptureStart(device)
    recorded = bytearray()
    while len(recorded) < RATE * FRAME_BYTES:
        time.sleep(0.02)
        frames = ctypes.c_int()
        al.alcGetIntegerv(device, ALC_CAPTURE_SAMPLES, 1, ctypes.byref(frames))
        part = ctypes.create_string_buffer(max(frames.value, 1) * FRAME_BYTES)
        al.alcCaptureSamples(device, part, frames)
        recorded += part.raw[:frames.value * FRAME_BYTES]
    al.alcCaptureStop(device)
    al.alcCaptureCloseDevice(device)
    with open(path, "wb") as file:
        file.write(recorded)


if __name__ == "__main__":
    {"play": play, "record": record}[sys.argv[1]](sys.argv[2])
