"""The servers that are compared: each started privately, with a device without a card."""

import json
import os
import re
import shutil
import subprocess
import time

from private import Failed, Home, die_with_parent

CACHE = os.environ.get("SHMD_BENCH_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "shmd/bench")
POLICIES = {0: "SCHED_OTHER", 1: "SCHED_FIFO", 2: "SCHED_RR"}


def find(folder, *name):
    """The folder or file below the unpacked `folder`, whose path has a version in it."""
    for path, folders, files in os.walk(os.path.join(CACHE, folder)):
        for entry in folders + files:
            whole = os.path.join(path, entry)
            if whole.endswith(os.path.join("/", *name)):
                return whole
    return None


class Peer:
    """
    A server for the time of a `with`, and the client program that plays to it.

    `name` is what files and options call it, `title` what a reader does.
    """

    name = title = ""
    pcm = monitor = "bench"
    records = False  # its clients play
    most_streams = 1024
    has_server = True

    def __init__(self, build):
        self.build = build
        self.pids = []
        self.scheduling = {}

    def missing(self):
        """Why it cannot be measured here; None if it can."""
        return None

    def version(self):
        return ""

    def start(self, home, period):
        """Start it in `home`; set `pids`, and `client` to its clients' environment."""
        raise NotImplementedError

    def running(self, period):
        return _Running(self, period)

    def program(self):
        return [os.path.join(self.build, "bench/load/load"), "--pcm", self.pcm,
                *(["--record"] if self.records else [])]

    def load(self, *arguments, seconds=90, before=()):
        """Run the client program against it, under `before`; return what it reports."""
        pids = [f"--server-pid={pid}" for pid in self.pids]
        command = list(before) + self.program() + pids + [str(word) for word in arguments]
        try:
            done = subprocess.run(command, env=self.client, capture_output=True,
                                  text=True, timeout=seconds, preexec_fn=die_with_parent)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"not done in {seconds} s") from error
        if done.returncode != 0:
            raise Failed(done.stderr.strip().splitlines()[-1] if done.stderr.strip()
                         else f"the client ended with {done.returncode}")
        return json.loads(done.stdout)

    def await_ready(self, home, period):
        """It is, when it plays: not every one says so by itself."""
        def plays():
            try:
                return self.load(f"--period={period}", f"--buffer={4 * period}",
                                 "--settle=0", "--seconds=0.05", seconds=8)
            except Failed as error:
                self.refusal = str(error)
                return None
        self.refusal = ""
        try:
            home.wait_for(self.title, plays, seconds=20)
        except Failed as error:
            raise Failed(f"{error}{self.refusal}") from None


class _Running:
    def __init__(self, peer, period):
        self.peer, self.period, self.home = peer, period, Home()

    def __enter__(self):
        self.home.__enter__()
        try:
            self.peer.folder = self.home.path
            self.peer.start(self.home, self.period)
            self.peer.await_ready(self.home, self.period)
            self.peer.scheduling = scheduling_of(self.peer.pids)
        except BaseException:
            self.home.__exit__()
            raise
        return self.peer

    def __exit__(self, *_):
        self.peer.pids = []
        self.home.__exit__()


def scheduling_of(pids):
    """How many threads have which scheduling: {"SCHED_FIFO 10": 1, …}."""
    seen = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            policy = os.sched_getscheduler(int(task)) & 0xff
            words = POLICIES.get(policy, f"policy {policy}")
            if priority := os.sched_getparam(int(task)).sched_priority:
                words += f" {priority}"
            seen[words] = seen.get(words, 0) + 1
    return seen


class Floor(Peer):
    """Its server is its client's own: there is nothing to start."""

    name, title = "floor", "floor"
    has_server = False

    def start(self, home, period):
        self.client = home.environment()

    def program(self):
        return [os.path.join(self.build, "bench/floor/floor")]


class Shmd(Peer):
    name, title = "shmd", "shmd"
    pcm, monitor = "shm", "shm:monitor"
    device = "virtual"

    def version(self):
        return subprocess.run([os.path.join(self.build, "shmd"), "--version"],
                              capture_output=True, text=True).stdout.strip()

    def start(self, home, period):
        """Limits alone are not the defaults: a thousand clients of one user."""
        path = os.path.join(home.path, "env")
        home.start([os.path.join(self.build, "shmd-run"), f"--device={self.device}",
                    "--set=max_clients=2048", "--set=max_clients_per_user=2048",
                    "--set=max_memory_per_user_mib=65536",
                    f"--log={home.path}/shmd-log", "--", "sh", "-c",
                    'env -0 >"$0.part" && mv "$0.part" "$0" && read -r _ || :', path],
                   home.environment(), stdin=subprocess.PIPE)
        home.wait_for(self.title, lambda: os.path.exists(path))
        with open(path, encoding="utf-8") as file:
            words = file.read().split("\0")
        self.client = dict(word.split("=", 1) for word in words if "=" in word)
        self.pids = [int(self.client["SHMD_SERVER_PID"])]


class Unpacked(Peer):
    """What bench/get-peers has unpacked beside the system."""

    def missing(self):
        if not os.path.exists(os.path.join(CACHE, self.name, "packages")):
            return "not here; `bench/get-peers` fetches it"
        return None

    def version(self):
        with open(os.path.join(CACHE, self.name, "packages"), encoding="utf-8") as file:
            versions = dict(line.split() for line in file)
        return versions[self.package]

    def path(self, *name):
        found = find(self.name, *name)
        if found is None:
            raise Failed(f"there is no {'/'.join(name)} in {CACHE}/{self.name}")
        return found

    def libraries(self):
        """For LD_LIBRARY_PATH: each folder that holds a library."""
        return ":".join(
            path for path, _, files in os.walk(os.path.join(CACHE, self.name))
            if any(name.startswith("lib") and ".so" in name for name in files))

    def plugin(self, kind):
        return self.path("alsa-lib", f"libasound_module_pcm_{kind}.so")


class PulseAudio(Unpacked):
    name = package = "pulseaudio"
    title = "PulseAudio"
    monitor = "monitor"
    most_streams = 32  # MAX_MIX_CHANNELS in its sink.c: it mixes no more

    def start(self, home, period):
        socket = os.path.join(home.path, "socket")
        environment = home.environment(LD_LIBRARY_PATH=self.libraries())
        modules = os.path.dirname(self.path("modules", "module-null-sink.so"))
        daemon = home.start(
            [self.path("bin", "pulseaudio"), "-n", "--daemonize=no", "--use-pid-file=no",
             "--exit-idle-time=-1", "--log-target=stderr", f"--dl-search-path={modules}",
             "-L", "module-null-sink sink_name=bench norewinds=1 rate=48000 "
                   "format=s16le channels=2",
             "-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket}"],
            environment)
        self.pids = [daemon.pid]
        self.client = dict(environment, ALSA_CONFIG_PATH=home.alsa_config(f"""
            pcm_type.pulse {{ lib "{self.plugin("pulse")}" }}
            pcm.bench {{ type pulse server "unix:{socket}" device "bench" }}
            pcm.monitor {{ type pulse server "unix:{socket}" device "bench.monitor" }}
            """))


# Added to the shipped pipewire.conf. The rule comes after the shipped one, which raises
# the least quantum to 1024 in a virtual machine, and has the last word.
PIPEWIRE_CONF = """
context.properties = {
    default.clock.rate = 48000
    default.clock.min-quantum = 16
    default.clock.max-quantum = 8192
    vm.overrides = { default.clock.min-quantum = 16 }
}
context.properties.rules = [
    { matches = [ { cpu.vm.name = !null } ]
      actions = { update-props = { default.clock.min-quantum = 16 } } }
]
context.objects = [
    { factory = adapter
      args = {
          factory.name = support.null-audio-sink
          node.name = bench-sink
          media.class = Audio/Sink
          audio.position = [ FL FR ]
          monitor.channel-volumes = true
      }
    }
]
"""
# It is there to link streams, and touches no card.
WIREPLUMBER_CONF = """
wireplumber.profiles = {
    main = {
        hardware.audio = disabled
        hardware.bluetooth = disabled
        hardware.video-capture = disabled
        support.reserve-device = disabled
        support.portal-permissionstore = disabled
        support.logind = disabled
    }
}
"""


class PipeWire(Unpacked):
    name = package = "pipewire"
    title = "PipeWire"
    monitor = "monitor"

    def start(self, home, period):
        config = os.path.join(home.path, "pipewire")
        shutil.copytree(self.path("share", "pipewire"), config)
        home.write("pipewire/pipewire.conf.d/bench.conf", PIPEWIRE_CONF)
        sessions = os.path.join(home.path, "wireplumber")
        shutil.copytree(self.path("share", "wireplumber"), sessions)
        home.write("wireplumber/wireplumber.conf.d/bench.conf", WIREPLUMBER_CONF)
        environment = home.environment(
            LD_LIBRARY_PATH=self.libraries(), PIPEWIRE_CONFIG_DIR=config,
            PIPEWIRE_MODULE_DIR=self.path("pipewire-0.3"),
            SPA_PLUGIN_DIR=self.path("spa-0.2"),
            WIREPLUMBER_CONFIG_DIR=sessions, WIREPLUMBER_DATA_DIR=sessions,
            WIREPLUMBER_MODULE_DIR=os.path.dirname(
                self.path("libwireplumber-module-standard-event-source.so")))
        daemon = home.start([self.path("bin", "pipewire")], environment)
        home.wait_for(self.title, lambda: os.path.exists(
            os.path.join(home.path, "pipewire-0")))
        session = home.start([self.path("bin", "wireplumber")], environment)
        self.pids = [daemon.pid, session.pid]
        self.client = dict(environment, ALSA_CONFIG_PATH=home.alsa_config(f"""
            pcm_type.pipewire {{ lib "{self.plugin("pipewire")}" }}
            pcm.bench {{ type pipewire playback_node "bench-sink" }}
            pcm.monitor {{ type pipewire capture_node "bench-sink" }}
            """))


class Jack(Unpacked):
    """
    The same ALSA program, through the jack plugin of alsa-plugins, which takes floats
    alone, has jackd's period, and a thread in each client: a native client costs less.
    """

    name, package, title = "jack", "jackd2", "JACK"
    monitor = None  # the plugin finds ports of programs, and jackd's are heard by nobody

    def start(self, home, period):
        environment = home.environment(
            LD_LIBRARY_PATH=self.libraries(),
            JACK_DRIVER_DIR=os.path.dirname(self.path("jack", "jack_dummy.so")),
            JACK_DEFAULT_SERVER=f"bench-{os.getpid()}", JACK_NO_START_SERVER="1",
            JACK_NO_AUDIO_RESERVATION="1")
        daemon = home.start([self.path("bin", "jackd"), "-d", "dummy", "-r", "48000",
                             "-p", str(period)], environment)
        self.pids = [daemon.pid]
        self.client = dict(environment, ALSA_CONFIG_PATH=home.alsa_config(f"""
            pcm_type.jack {{ lib "{self.plugin("jack")}" }}
            pcm.bench {{ type plug slave.pcm {{ type jack playback_ports {{
                0 system:playback_1 1 system:playback_2 }} }} }}
            """))


ALL = (Floor, Shmd, PipeWire, PulseAudio, Jack)
