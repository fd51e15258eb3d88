/*
 * Direct mode: one client writes its frames into the card's own ring, and the server may
 * at any moment, without asking, mix into the same ring. README.md says what is modelled.
 *
 * Frames and places are counted without end, as in doc/protocol.md; a place is in the ring
 * at [place % N]. A block is one frame. What is in a ring: 0 is silence, else the frame's
 * number + 1, with OLD when it was written again after a rewind, with MIXED when the second
 * stream is in it.
 *
 * Each of these makes the protocol wrong in one way, and an error must be found:
 *   PUBLISH_FIRST  the client stores `written` before it writes into the card's ring
 *   NO_FROM        the server does not look at `direct_from`
 *   KEEP_SERIAL    the server publishes a serial again with another offset
 *   NO_CLEAR       the server leaves in the ring what was dropped
 *   NO_DEADLINE    the server waits for ever for an answer to Recall
 *   SHIFT_LATE     a late server moves the stream, and the client learns of it later
 *   SERVER_SERIAL  the server counts the serials, the client waits for another one
 *   KEEP_REWIND    a rewind is no reason for a new serial
 *   NO_LIMIT       the client writes frames into the card's ring that the server has read
 *   NO_SILENCE     the server writes nothing where it has no frame
 */
#ifndef N
#define N 3          /* places in the card's ring */
#endif
#ifndef POOL
#define POOL 2       /* the client's buffer_frames; at most N */
#endif
#ifndef LEAD
#define LEAD 1       /* the server renders at most so far ahead of the card */
#endif
#ifndef FRAMES
#define FRAMES 3     /* the client writes so many */
#endif
#ifndef TICKS
#define TICKS 4      /* the card plays so many places */
#endif
#ifndef COMMANDS
#define COMMANDS 1   /* pause, resume, stop, rewind: so many altogether */
#endif
#ifndef SLIPS
#define SLIPS 1      /* the card plays so many places that the server did not get to */
#endif
#ifndef GRANTS
#define GRANTS 1
#endif

#ifdef NO_FROM
#define IS_FROM_HERE true
#else
#define IS_FROM_HERE (reader >= seen_from)
#endif
#ifdef KEEP_SERIAL
#define IS_FRESH true
#else
#define IS_FRESH (wish != last_serial)
#endif

#ifdef SERVER_SERIAL
#define NEXT_OWN own++
#else
#define NEXT_OWN skip
#endif

#define OLD 16
#define MIXED 32
#define FRAME(value) ((value) & 15)
#define NONE 0       /* no serial, no frame */

mtype = { kNone, kRun, kPause, kStop, kXrun };  /* wanted, and the server's state */
mtype = { kGrant, kRecall, kReturned };

chan to_client = [3] of { mtype };
chan to_server = [3] of { mtype };

/* The card's ring, and the client's pool: memory. */
byte card[N], pool[POOL];

/* The client's block. */
byte written, used, from, serial;
byte start;
byte command_epoch;
mtype command = kNone;

/* The server's block. `direct` is one word: serial, and offset modulo N. */
byte direct_serial, direct_offset;
byte limit, hw, acted_epoch;
mtype state = kNone;

/* The world. */
bool client_lives = true, client_hangs = false, kill_client = false, mapped = false;
bool server_lives = true, kill_server = false, server_done = false;
bool second_plays = false, change_wanted = false;

/* The server's own, global so that the card's assertions can look at it. */
byte reader;             /* the next frame of the client */
byte place;              /* where it goes: the next place to handle */
byte current;            /* the serial in force; NONE: none */
bool held;               /* since the last clear, a serial was published */
bool granted;            /* the ring was given away, and has not come back */
byte recalling;          /* 0 no; 1 waiting for the answer; 2 given up */

/* Only for the assertions. */
byte played;             /* the card's next place */
byte last_frame;         /* the newest frame that was played, + 1 */
bool in_block, has_loaded;           /* the server is in a block; `written` was loaded */
bool starved;            /* the reader has met or passed `written`: the client was late */
bool handled[N], skipped[N], late[N];
byte expected[N];
byte direct_base;        /* `direct`'s offset, not modulo N, + TICKS + FRAMES */

#define BASE (TICKS + FRAMES)

/* Everything ahead is silence; where the reader stands nothing was handled yet. */
inline Clear(i) {
    d_step {
        i = 0;
        do
        :: i < N ->
            if
            :: !handled[i] ->
#ifndef NO_CLEAR
                card[i] = 0; late[i] = false;
#endif
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0; held = false
    }
}

inline Withdraw() {
    d_step { current = NONE; direct_serial = NONE; direct_offset = 0; direct_base = 0 }
}

/* ------------------------------------------------------------------------- the card -- */

/* What the card plays at a place that the server did not get to. */
inline CheckUnhandled(value, frame) {
    if
    :: state == kRun && played + reader >= place ->
        frame = played + reader - place;
        assert(value == 0 || (held && FRAME(value) == frame + 1 && !(value & MIXED)));
        assert(value != 0 || current == NONE || used != current || frame < from ||
               frame >= written)
    :: else -> assert(value == 0)
    fi
}

inline CheckHandled(value, at) {
    assert(skipped[at] || value == expected[at]);
    assert(!skipped[at] || (value & ~OLD) == expected[at])
}

active proctype Card() {
    byte value, at, frame, slips;
    do
    :: played < TICKS ->
        atomic {
            /* A block that has begun ends in time, but not each begins in time. */
            !server_lives || played < place || (!in_block && slips < SLIPS);
            slips = slips + (played < place || !server_lives -> 0 : 1);
            at = played % N;
            value = card[at];
            if
            :: late[at]
            :: !late[at] && handled[at] -> CheckHandled(value, at)
            :: else -> CheckUnhandled(value, frame)
            fi;
            if
            :: !late[at] && FRAME(value) ->
                assert(FRAME(value) > last_frame);
                last_frame = FRAME(value)
            :: else
            fi;
            card[at] = 0; late[at] = false; handled[at] = false; skipped[at] = false;
            expected[at] = 0;
            played++;
            value = 0; at = 0; frame = 0
        }
    :: else -> break
    od
}

/* ----------------------------------------------------------------------- the server -- */

/* The card is further than we are: the places in between are lost. */
inline CatchUp() {
    d_step {
        in_block = true;
        if
        :: played > place ->
            if
#ifndef SHIFT_LATE
            :: held && state == kRun ->
                reader = reader + played - place;
                limit = reader;
                if
                :: reader > written -> starved = true
                :: else
                fi
#endif
            :: else ->
                Withdraw();
                held = false
            fi;
            place = played
        :: else
        fi
    }
}

inline Act(wanted, epoch) {
    if
    :: !client_lives
    :: client_lives && epoch != acted_epoch ->
        acted_epoch = epoch;
        Withdraw();
        Clear(i);
        if
        :: wanted == kRun -> atomic {
                NEXT_OWN; reader = begin; limit = reader; hw = reader; starved = false;
                state = kRun }
        :: wanted != kRun -> state = kStop
        fi
    :: client_lives && epoch == acted_epoch && state == kRun && wanted != kRun ->
        Withdraw();
        Clear(i);
        state = wanted
    :: client_lives && epoch == acted_epoch && state == kPause && wanted != kPause ->
        NEXT_OWN;
        state = wanted
    :: else
    fi
}

/* A serial is published with one offset only, and never again. */
inline Publish(wish) {
    d_step {
        if
        :: state == kRun && granted && recalling == 0 && wish != current && IS_FRESH ->
            current = wish;
            last_serial = wish;
            held = true;
            direct_serial = wish;
            direct_offset = (place + 2 * N + N * N - reader) % N;
            direct_base = place + BASE - reader
        :: else
        fi
    }
}

/* The place is handled: what is in it now is what shall be heard. */
inline Put(value) {
    d_step {
        card[place % N] = value; late[place % N] = false;
        handled[place % N] = true; expected[place % N] = value
    }
}

#define MAY_SKIP !mix && current != NONE && seen_used == current && IS_FROM_HERE

inline Render() {
    Put((pool[reader % POOL] | (mix -> MIXED : 0)));
    /* Who has dropped its frames may have others there before the server knows of it. */
    if
    :: command_epoch != acted_epoch || command == kStop -> late[place % N] = true
    :: else -> assert(FRAME(pool[reader % POOL]) == reader + 1)
    fi
}

inline Skip() {
    d_step {
        handled[place % N] = true; skipped[place % N] = true;
        expected[place % N] = reader + 1
    }
}

inline Handle() {
    if
    :: state == kRun && reader < end && MAY_SKIP -> Skip()
    :: state == kRun && reader < end && !(MAY_SKIP) -> Render()
    :: else ->
#ifdef NO_SILENCE
        if
        :: mix -> Put(MIXED)
        :: else -> handled[place % N] = true
        fi
#else
        Put((mix -> MIXED : 0))
#endif
    fi
}

inline Advance() {
    d_step {
        if
        :: state == kRun ->
            reader++;
            limit = reader
        :: else
        fi;
        place++;
        if
        :: state == kRun && reader + played >= place && reader + played - place > hw ->
            hw = reader + played - place
        :: else
        fi;
        in_block = false; has_loaded = false;
        end = 0; seen_used = 0; seen_from = 0; wish = 0; wanted = kNone; epoch = 0;
        begin = 0; mix = false
    }
}

inline Block() {
    d_step { wanted = command; epoch = command_epoch; begin = start };
    atomic {
        Act(wanted, epoch);
#ifdef SERVER_SERIAL
        wish = own;
#endif
        Publish(wish)
    };
    atomic {
        end = written;
        has_loaded = true;
        starved = (state == kRun -> reader >= end : starved)
    };
    if
    :: state == kRun && reader < end && !mix && current != NONE ->
        seen_used = used;
        atomic { seen_from = from; Handle(); Advance() }
    :: atomic { state == kRun && reader >= end ->
            Withdraw(); Clear(i); state = kXrun; Handle(); Advance() }
    :: atomic { state != kRun || reader >= end || mix || current == NONE ->
            Handle(); Advance() }
    fi
}

inline ClientIsGone() {
    atomic {
        assert(!mapped);
        do
        :: to_server?_
        :: empty(to_server) -> break
        od;
        if
        :: state != kNone -> Withdraw(); Clear(i)
        :: else
        fi;
        state = kNone; granted = false; recalling = 0; gone = true
    }
}

active proctype Server() {
    byte i, end, seen_used, seen_from, wish, epoch, begin, last_serial, own = 1;
    byte grants;
    mtype wanted = kNone;
    bool mix, gone;
    {
        do
        :: atomic { place < played + LEAD && place < TICKS ->
                CatchUp(); mix = second_plays; wish = serial };
            Block()
        :: atomic { client_lives && !granted && !change_wanted && grants < GRANTS ->
                assert(!mapped && empty(to_client));
                granted = true; grants++; to_client!kGrant }
        :: atomic { change_wanted && granted && recalling == 0 ->
                Withdraw(); recalling = 1; to_client!kRecall }
        :: atomic { to_server?kReturned -> granted = false; recalling = 0 }
        :: !client_lives && !gone -> ClientIsGone()
        :: atomic { change_wanted && !granted ->
                assert(!mapped); change_wanted = false }  /* here the card is set anew */
#ifndef NO_DEADLINE
        :: atomic { recalling == 1 -> recalling = 2; change_wanted = false }
#endif
        :: atomic { place >= TICKS && played >= TICKS && recalling != 1 &&
                    !change_wanted -> break }
        od
    } unless { atomic { kill_server -> server_lives = false } };
    server_done = true
}

/* ----------------------------------------------------------------------- the client -- */

#ifdef SERVER_SERIAL
#define IS_MINE (seen_serial != NONE && seen_serial != ignored)
#define USED seen_serial
#else
#define IS_MINE (seen_serial == mine)
#define USED mine
#endif
#ifdef NO_LIMIT
#define IS_UNREAD true
#else
#define IS_UNREAD (frame >= limit)
#endif

/*
 * The copy into the card's ring. It is late if the card, or the server's reader, has passed:
 * only a client that let the server run dry comes late, and what it spoils is this batch.
 */
#define GOAL (frame + seen_base)
#define CARD_PASSED (GOAL < BASE + played)
#define SERVER_PASSED \
    (GOAL < BASE + place || (GOAL == BASE + place && has_loaded) || state != kRun)

inline CopyToCard() {
    d_step {
        card[(frame + seen_offset) % N] = frame + 1 + version;
        late[(frame + seen_offset) % N] = CARD_PASSED || SERVER_PASSED;
        assert(CARD_PASSED || !SERVER_PASSED || state == kXrun ||
               (starved && reader + has_loaded > frame));
        assert(CARD_PASSED || SERVER_PASSED || seen_base == BASE + place - reader)
    }
}

inline StoreWords() {
    if
    :: is_direct && my_used != USED ->
        from = frame;
        atomic { used = USED; my_used = USED }
    :: !is_direct && my_used != NONE -> atomic { used = NONE; my_used = NONE }
    :: else
    fi
}

/* `limit` is loaded after `direct`; it only grows, so at the same time is the worst. */
inline Load() {
    d_step {
        seen_serial = direct_serial; seen_offset = direct_offset; seen_base = direct_base;
        is_direct = mapped && IS_MINE && IS_UNREAD;
        pool[frame % POOL] = frame + 1 + version;
        if
        :: !is_direct -> seen_serial = 0; seen_offset = 0; seen_base = 0
        :: else
        fi
    }
}

inline Next() {
    d_step {
        frame++; seen_serial = 0; seen_offset = 0; seen_base = 0; is_direct = false;
        if
        :: frame > top -> top = frame; version = 0
        :: else
        fi
    }
}

#ifdef PUBLISH_FIRST
inline Write() {
    StoreWords();
    written = frame + 1;
    atomic {
        if
        :: is_direct -> CopyToCard()
        :: else
        fi;
        Next()
    }
}
#else
inline Write() {
    if
    :: is_direct -> CopyToCard()
    :: else
    fi;
    StoreWords();
    atomic { written = frame + 1; Next() }
}
#endif

/* After each command and each rewind: what was granted before is for what was before. */
inline NewSerial() {
#ifdef SERVER_SERIAL
    ignored = direct_serial
#else
    atomic { mine++; serial = mine }
#endif
}

inline Start() {
    d_step { epochs++; start = begin; command = kRun; command_epoch = epochs };
    NewSerial();
    wants = kRun
}

inline Command(what) {
    atomic { command = what; wants = what };
    NewSerial()
}

/* The application takes back its newest frame, and will write another one. */
inline Rewind() {
    d_step { frame--; version = OLD; written = frame };
#ifndef KEEP_REWIND
    NewSerial()
#endif
}

#define ROOM (frame - (acted_epoch == epochs && hw > begin -> hw : begin) < POOL)

active proctype Client() {
    byte frame, top, version, begin, epochs, mine, my_used, commands;
    byte seen_serial, seen_offset, seen_base, ignored;
    mtype wants = kNone;
    bool is_direct;
    {
        do
        :: atomic { frame < FRAMES &&
                    (wants != kNone && wants != kStop -> ROOM : frame == begin) ->
                Load() };
            Write()
        :: wants == kNone || wants == kStop -> Start()
        :: wants == kRun && state == kXrun && command_epoch == epochs &&
           commands < COMMANDS ->
            atomic { frame = top; begin = top; version = 0; commands++ };
            Command(kStop)
#ifdef MAY_PAUSE
        :: atomic { wants == kRun && commands < COMMANDS -> commands++ }; Command(kPause)
        :: wants == kPause -> Command(kRun)
#endif
#ifdef MAY_STOP
        :: atomic { wants == kRun && commands < COMMANDS ->
            frame = top; begin = top; version = 0; commands++ };
            Command(kStop)
#endif
#ifdef MAY_REWIND
        :: atomic { wants == kRun && commands < COMMANDS && frame > limit &&
                    frame > begin && frame == top -> commands++ };
            Rewind()
#endif
        :: atomic { to_client?kGrant -> mapped = true }
        :: atomic { to_client?kRecall -> mapped = false; to_server!kReturned }
        :: server_done -> break
        od
    } unless { kill_client || client_hangs };
end_hung:
    !client_hangs || kill_client;
    atomic {
        mapped = false; client_lives = false;
        do
        :: to_client?_
        :: empty(to_client) -> break
        od
    }
}

/* ------------------------------------------------------------------------ the world -- */

#ifdef MAY_MIX
active proctype Second() {
    second_plays = true;
    second_plays = false
}
#endif

#ifdef MAY_CHANGE
active proctype Administrator() {
    change_wanted = true
}
#endif

/* One misfortune, at any moment, or none. */
#if defined MAY_DIE || defined MAY_HANG || defined MAY_CRASH
active proctype Fate() {
    if
#ifdef MAY_DIE
    :: kill_client = true
#endif
#ifdef MAY_HANG
    :: client_hangs = true
#endif
#ifdef MAY_CRASH
    :: kill_server = true
#endif
    :: true
    fi
}
#endif
