"""What sdl2.py has SDL2 do: MODE FILE, on the PCM that $AUDIODEV names.

What is played and recorded are raw frames, S16_LE, of two channels at 48 kHz. The library
is called through ctypes, so that no headers are needed.
"""

import ctypes
import sys

RATE = 48000
FRAME_BYTES = 4
PERIOD_FRAMES = 8192  # and two of them; fewer, and a busy machine may be late
INIT_AUDIO = 0x10
S16_LE = 0x8010
# What is in the card's buffer is dropped when the device is closed in a hurry.
SILENCE = bytes(RATE // 2 * FRAME_BYTES)

Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint8),
                            ctypes.c_int)
sdl = ctypes.CDLL("libSDL2-2.0.so.0")
sdl.SDL_GetError.restype = ctypes.c_char_p
sdl.SDL_GetCurrentAudioDriver.restype = ctypes.c_char_p


class Spec(ctypes.Structure):
    """SDL_AudioSpec."""
    _fields_ = [("freq", ctypes.c_int), ("format", ctypes.c_uint16),
                ("channels", ctypes.c_uint8), ("silence", ctypes.c_uint8),
                ("samples", ctypes.c_uint16), ("padding", ctypes.c_uint16),
                ("size", ctypes.c_uint32), ("callback", Callback),
                ("userdata", ctypes.c_void_p)]


def require(holds):
    if not holds:
        sys.exit(sdl.SDL_GetError().decode())


def open_device(is_capture, callback=None):
    wanted = Spec(freq=RATE, format=S16_LE, channels=2, samples=PERIOD_FRAMES,
                  callback=callback or Callback())
    device = sdl.SDL_OpenAudioDevice(None, is_capture, ctypes.byref(wanted), None, 0)
    require(device)
    sdl.SDL_PauseAudioDevice(device, 0)
    return device


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def play_from_a_queue(path):
    data = read_file(path) + SILENCE
    device = open_device(0)
    require(sdl.SDL_QueueAudio(device, data, len(data)) == 0)
    while sdl.SDL_GetQueuedAudioSize(device):
        sdl.SDL_Delay(10)
    sdl.SDL_CloseAudioDevice(device)


def play_by_callback(path):
    data, at = read_file(path) + SILENCE, 0

    def give(_, to, size):
        nonlocal at
        ctypes.memmove(to, data[at:at + size].ljust(size, b"\0"), size)
        at += size

    callback = Callback(give)
    device = open_device(0, callback)
    while at < len(data):
        sdl.SDL_Delay(10)
    sdl.SDL_CloseAudioDevice(device)


def record_to_a_queue(path):
    device = open_device(1)
    part = ctypes.create_string_buffer(1 << 16)
    recorded = bytearray()
    while len(recorded) < RATE * FRAME_BYTES:
        size = sdl.SDL_DequeueAudio(device, part, len(part))
        recorded += part.raw[:size]
        if not size:
            sdl.SDL_Delay(10)
    sdl.SDL_CloseAudioDevice(device)
    with open(path, "wb") as file:
        file.write(recorded)


def main():
    modes = {function.__name__: function for function in (
        play_from_a_queue, play_by_callback, record_to_a_queue)}
    require(sdl.SDL_Init(INIT_AUDIO) == 0)
    if sdl.SDL_GetCurrentAudioDriver() != b"alsa":
        sys.exit("SDL2 does not use ALSA")
    modes[sys.argv[1]](sys.argv[2])
    sdl.SDL_Quit()


if __name__ == "__main__":
    main()
