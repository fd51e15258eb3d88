#!/usr/bin/env python3
"""
Find each played file in what the device played, compare that with the recording, print a
table, and leave a drawing of the waveforms for gnuplot. scripts/demo calls this:

    demo-report.py FOLDER FILE.wav...

FOLDER holds device.wav, monitor.wav and stats.json; waves.gnuplot and its data are
written there. Exit status 0 if all is bit for bit as it should be.
"""

import array
import json
import os
import sys
import wave

COLUMNS = 1400           # of the picture's panels
MATCH_FRAMES = 400       # so many frames must agree before a file counts as found
PANEL_PIXELS = 130


class Sound:
    """A WAV file of 16 bits: `left` and `right` hold its samples."""

    def __init__(self, path):
        self.name = os.path.splitext(os.path.basename(path))[0]
        with wave.open(path) as file:
            if file.getsampwidth() != 2 or file.getnchannels() > 2:
                raise ValueError(f"{path} is not 16 bits, mono or stereo")
            self.rate = file.getframerate()
            channels = file.getnchannels()
            samples = array.array("h", file.readframes(file.getnframes()))
        if sys.byteorder == "big":
            samples.byteswap()
        self.left = samples[0::channels]
        self.right = samples[channels - 1::channels]

    def __len__(self):
        return len(self.left)


def first_sound(samples, start=0):
    """Index of the first sample from `start` on that is not 0; the length if none is."""
    return next((index for index in range(start, len(samples)) if samples[index]),
                len(samples))


def saturate(value):
    return max(-32768, min(32767, value))


def agreement(mix, total, sound, begin, frame):
    """For how many frames from `frame` on `mix` is `total` plus `sound` from `begin`."""
    end = min(len(mix), begin + len(sound))
    for index in range(frame, end):
        if mix[index] != saturate(total[index] + sound.left[index - begin]):
            return index - frame
    return end - frame


def place(mix, sounds):
    """
    Where each sound begins in `mix`, and the frames of `mix` that nothing explains.

    From left to right: `total` is the sum of the sounds that are placed so far. Where the
    mix differs from it, another sound begins to be heard: the one that agrees longest.
    @return ({name: first frame}, [frames that are not the sum of what is placed])
    """
    total = [0] * len(mix)
    found, wrong = {}, []
    frame = 0
    while frame < len(mix):
        if mix[frame] == saturate(total[frame]):
            frame += 1
            continue
        candidates = [
            (agreement(mix, total, sound, frame - first_sound(sound.left), frame), sound)
            for sound in sounds
            if sound.name not in found and frame >= first_sound(sound.left)]
        agreed, best = max(candidates, key=lambda pair: pair[0], default=(0, None))
        if agreed < MATCH_FRAMES:
            wrong.append(frame)
            frame += 1
            continue
        begin = frame - first_sound(best.left)
        found[best.name] = begin
        for index in range(begin, min(len(mix), begin + len(best))):
            total[index] += best.left[index - begin]
    return found, wrong


def compare(device, monitor):
    """Return (frames in common, frames that differ), aligned at their first sound."""
    shift = first_sound(device.left) - first_sound(monitor.left)
    begin = max(0, -shift)
    end = min(len(monitor), len(device) - shift)
    differ = sum(1 for index in range(begin, end)
                 if monitor.left[index] != device.left[index + shift]
                 or monitor.right[index] != device.right[index + shift])
    heard = len(device) - first_sound(device.left)
    covered = end - first_sound(monitor.left)
    silent_rest = first_sound(device.left, first_sound(device.left) + covered) \
        == len(device)
    return end - begin, differ if silent_rest else differ + heard - covered


def xruns(folder):
    """The sum over all streams of stats.json."""
    with open(os.path.join(folder, "stats.json"), encoding="utf-8") as file:
        return sum(stream["xruns"] for stream in json.load(file)["streams"])


# --- the picture -----------------------------------------------------------------------

def write_envelope(path, samples, begin, frames, rate):
    """Lines of `seconds least most`, one a column, of `samples` that start at `begin`."""
    step = max(1, frames // COLUMNS)
    with open(path, "w", encoding="ascii") as file:
        for index in range(0, len(samples), step):
            part = samples[index:index + step]
            seconds = (begin + index) / rate
            file.write(f"{seconds:.5f} {min(part) / 32768:.5f} {max(part) / 32768:.5f}\n")


def draw(folder, mix, panels):
    """Write waves.gnuplot; `panels` are (title, samples, first frame in the mix)."""
    height = PANEL_PIXELS * len(panels) + 60
    quoted = folder.replace("'", "''")
    script = [f"set terminal pngcairo size 1500,{height} font 'sans,11'",
              f"set output '{quoted}/waves.png'",
              f"set multiplot layout {len(panels)},1 margins 0.05,0.98,{50 / height:.3f},"
              f"{1 - 15 / height:.3f} spacing 0,0.012",
              f"set xrange [0:{len(mix) / mix.rate:.3f}]", "set yrange [-1:1]",
              "set ytics -0.5,0.5,0.5", "set grid xtics", "unset key", "set format x ''"]
    for number, (title, samples, begin) in enumerate(panels):
        data = f"waves-{number}.dat"
        write_envelope(os.path.join(folder, data), samples, begin, len(mix), mix.rate)
        last = number == len(panels) - 1
        colour = "#b03a2e" if last else "#2e6da4"
        if last:
            script += ["set format x '%g s'"]
        script += [f"set label 1 \"{title}\" at graph 0.01,0.88 noenhanced",
                   f"plot '{quoted}/{data}' using 1:2:3 with filledcurves "
                   f"linecolor rgb '{colour}', '' using 1:2 with lines "
                   f"linecolor rgb '{colour}', 0 linecolor rgb '#888888'"]
    script += ["unset multiplot"]
    with open(os.path.join(folder, "waves.gnuplot"), "w", encoding="utf-8") as file:
        file.write("\n".join(script) + "\n")


# --- the table -------------------------------------------------------------------------

def verdict(mix, sound, begin, wrong):
    """How a sound that begins at `begin` came out: "yes" is bit for bit."""
    if begin is None:
        return "not found"
    end = begin + len(sound)
    if end > len(mix):
        return "cut off"
    return "no" if any(begin <= frame < end for frame in wrong) else "yes"


def print_table(mix, sounds, found, wrong):
    print(f"\n  {'file':<16} {'frames':>8} {'starts at':>10}   bit for bit")
    for sound in sounds:
        begin = found.get(sound.name)
        starts = "-" if begin is None else f"{begin / mix.rate:.3f} s"
        print(f"  {sound.name:<16} {len(sound):>8} {starts:>10}   "
              f"{verdict(mix, sound, begin, wrong)}")


def most_at_once(sounds, found):
    """The greatest number of files that sound in the same frame."""
    edges = sorted(edge for sound in sounds if sound.name in found
                   for edge in ((found[sound.name], 1),
                                (found[sound.name] + len(sound), -1)))
    most = playing = 0
    for _, change in edges:
        playing += change
        most = max(most, playing)
    return most


def main(folder, paths):
    mix = Sound(os.path.join(folder, "device.wav"))
    monitor = Sound(os.path.join(folder, "monitor.wav"))
    sounds = [Sound(path) for path in paths]
    found, wrong = place(mix.left, sounds)
    complete = [sound for sound in sounds if sound.name in found
                and found[sound.name] + len(sound) <= len(mix)]
    sides_differ = sum(1 for left, right in zip(mix.left, mix.right) if left != right)
    common, differ = compare(mix, monitor)
    losses = xruns(folder)

    at_once = most_at_once(sounds, found)
    print_table(mix, sounds, found, wrong)
    print(f"""
  the device played    {len(mix)} frames, up to {at_once} files at once
  not explained        {len(wrong)} frames are not the sum of the files (saturated)
  left and right       {sides_differ} frames differ (the files are mono)
  the recording        {common} frames in common with the device, {differ} differ
  xruns                {losses}
""")
    panels = [(sound.name, sound.left, found[sound.name])
              for sound in sorted(complete, key=lambda sound: found[sound.name])]
    draw(folder, mix, panels + [("the mix, as the device played it", mix.left, 0)])
    good = len(complete) == len(sounds) and common > 0 and \
        not (wrong or sides_differ or differ or losses)
    return 0 if good else 1


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: demo-report.py FOLDER FILE.wav...")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
