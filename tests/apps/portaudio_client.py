"""What portaudio.py has PyAudio do: MODE (write, read, …) FILE, on the PCM `shmd`.

What is played and recorded are raw frames, S16_LE, of two channels at 48 kHz.
"""

import sys
import threading

import pyaudio

RATE = 48000
FRAME_BYTES = 4
FORMAT = {"rate": RATE, "channels": 2, "format": pyaudio.paInt16}
# What PortAudio makes its periods of, without which it takes 2 ms.
PERIOD = {"frames_per_buffer": 4800}
# PortAudio never drains: what is in its buffer when it stops is not heard. So the sound
# is followed by more silence than that.
SILENCE = bytes(RATE // 2 * FRAME_BYTES)


def device(audio):
    """PortAudio hides a PCM that is named `shm`."""
    for number in range(audio.get_device_count()):
        if audio.get_device_info_by_index(number)["name"] == "shmd":
            return number
    sys.exit("PortAudio does not list shmd")


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def write(audio, path):
    stream = audio.open(output=True, output_device_index=device(audio), **FORMAT, **PERIOD)
    stream.write(read_file(path) + SILENCE)
    stream.stop_stream()
    stream.close()


def read(audio, path):
    stream = audio.open(input=True, input_device_index=device(audio), **FORMAT, **PERIOD)
    with open(path, "wb") as file:
        for _ in range(20):
            file.write(stream.read(RATE // 20))
    stream.close()


def play_by_callback(audio, path, period=None):
    data, done, at = read_file(path) + SILENCE, threading.Event(), 0

    def give(_, frames, *__):
        nonlocal at
        part = data[at:at + frames * FRAME_BYTES]
        at += len(part)
        if at < len(data):
            return part, pyaudio.paContinue
        done.set()
        return part.ljust(frames * FRAME_BYTES, b"\0"), pyaudio.paComplete

    stream = audio.open(output=True, output_device_index=device(audio),
                        stream_callback=give, **FORMAT, **(period or PERIOD))
    done.wait()
    stream.stop_stream()
    stream.close()


def play_by_callback_with_its_own_period(audio, path):
    play_by_callback(audio, path,
                     {"frames_per_buffer": pyaudio.paFramesPerBufferUnspecified})


def record_by_callback(audio, path):
    parts, done = [], threading.Event()

    def take(data, *_):
        parts.append(data)
        if sum(map(len, parts)) >= RATE * FRAME_BYTES:
            done.set()
        return None, pyaudio.paContinue

    stream = audio.open(input=True, input_device_index=device(audio),
                        stream_callback=take, **FORMAT, **PERIOD)
    done.wait()
    stream.stop_stream()
    stream.close()
    with open(path, "wb") as file:
        file.write(b"".join(parts))


def pass_on_by_callback(audio, path):
    """Play what is recorded, for a second, and keep it in the file."""
    parts, done = [], threading.Event()

    def pass_on(data, *_):
        parts.append(data)
        if sum(map(len, parts)) >= RATE * FRAME_BYTES:
            done.set()
        return data, pyaudio.paContinue

    number = device(audio)
    stream = audio.open(input=True, output=True, input_device_index=number,
                        output_device_index=number, stream_callback=pass_on, **FORMAT,
                        **PERIOD)
    done.wait()
    stream.stop_stream()
    stream.close()
    with open(path, "wb") as file:
        file.write(b"".join(parts))


def main():
    audio = pyaudio.PyAudio()
    modes = {function.__name__: function for function in (
        write, read, play_by_callback, play_by_callback_with_its_own_period,
        record_by_callback, pass_on_by_callback)}
    modes[sys.argv[1]](audio, sys.argv[2])
    audio.terminate()


if __name__ == "__main__":
    main()
