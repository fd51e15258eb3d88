#include "plugin/refine_hook.h"

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>

namespace shmd::plugin {

namespace {

// alsa-lib's pcm_local.h, the same from 1.0.25 to 1.2.16: struct _snd_pcm has these five
// words in a row, somewhere: ops, fast_ops, op_arg and fast_op_arg, which are the PCM
// itself, and private_data. pcm_ioplug.c's private data begins with our snd_pcm_ioplug_t.
enum Member : size_t { kOps, kFastOps, kOpArg, kFastOpArg, kPrivateData, kMembers };
// snd_pcm_ops_t: close, nonblock, async, info, hw_refine, hw_params, ... 15 in all. A
// later version may have more at its end; these are copied too.
constexpr size_t kHwRefine = 4;
constexpr size_t kKnownOps = 15;
constexpr size_t kMostOps = 64;

using Refine = int (*)(snd_pcm_t*, snd_pcm_hw_params_t*);

/** What all PCMs of the process have in common, from the first that was hooked. */
struct Hook {
    size_t at = 0;  // of the five words in struct _snd_pcm
    const void* original_ops = nullptr;
    Refine original = nullptr;
    RefineRule rule = nullptr;
    NarrowRule narrow = nullptr;
    std::array<const void*, kMostOps> ops{};
};
Hook g_hook;
std::mutex g_hook_mutex;
thread_local bool g_was_called = false;
thread_local bool g_is_narrowing = false;

const void** WordsOf(snd_pcm_t* pcm) noexcept {
    return reinterpret_cast<const void**>(pcm);
}

const void* ObjectOf(const void* address) noexcept {
    Dl_info info{};
    return dladdr(address, &info) != 0 ? info.dli_fbase : nullptr;
}

/**
 * Whether malloc_usable_size belongs to the allocator that made the PCM. A program may
 * bring a malloc of its own without that function. glibc's would then look for a header
 * of glibc's in front of a block that has none.
 */
bool KnowsSizes() noexcept {
    const void* allocator = ObjectOf(dlsym(RTLD_DEFAULT, "calloc"));
    return allocator != nullptr &&
           allocator == ObjectOf(dlsym(RTLD_DEFAULT, "malloc_usable_size"));
}

/** Where the five words are in io.pcm; nothing if the struct is not as expected. */
std::optional<size_t> FindMembers(snd_pcm_ioplug_t& io) noexcept {
    if (!KnowsSizes()) return {};
    const std::span words{WordsOf(io.pcm),
                          malloc_usable_size(io.pcm) / sizeof(const void*)};
    for (size_t at = 0; at + kMembers <= words.size(); ++at) {
        if (words[at + kOpArg] != io.pcm || words[at + kFastOpArg] != io.pcm) continue;
        const void* first = nullptr;
        if (words[at + kPrivateData] == nullptr) return {};
        std::memcpy(&first, words[at + kPrivateData], sizeof first);
        if (first == &io) return at;
        return {};
    }
    return {};
}

struct Segment {
    uintptr_t address;
    uintptr_t end;  // 0: not found
};

int FindSegment(dl_phdr_info* object, size_t /*size*/, void* found) noexcept {
    auto& segment = *static_cast<Segment*>(found);
    for (const auto& header : std::span{object->dlpi_phdr, object->dlpi_phnum}) {
        const uintptr_t begin = object->dlpi_addr + header.p_vaddr;
        if (header.p_type == PT_LOAD && segment.address >= begin &&
            segment.address < begin + header.p_memsz)
            segment.end = begin + header.p_memsz;
    }
    return segment.end != 0 ? 1 : 0;
}

/** The words from `ops` on, as many as are certainly mapped; at most kMostOps. */
std::span<const void* const> TableAt(const void* ops) noexcept {
    Segment segment{reinterpret_cast<uintptr_t>(ops), 0};
    dl_iterate_phdr(&FindSegment, &segment);
    if (segment.end == 0) return {};
    const size_t count = (segment.end - segment.address) / sizeof(const void*);
    return {static_cast<const void* const*>(ops), std::min(count, kMostOps)};
}

/** Whether the table is alsa-lib's own, and has its functions where they were known. */
bool IsKnownTable(std::span<const void* const> table) noexcept {
    if (table.size() < kKnownOps) return false;
    const void* alsa_lib =
        ObjectOf(reinterpret_cast<const void*>(&snd_pcm_ioplug_create));
    if (alsa_lib == nullptr || ObjectOf(table.data()) != alsa_lib) return false;
    const auto core = table.first(kHwRefine + 4);  // up to sw_params
    return std::ranges::all_of(core, [alsa_lib](const void* function) {
        return function != nullptr && ObjectOf(function) == alsa_lib;
    });
}

snd_pcm_ioplug_t* PlugOf(snd_pcm_t* pcm) noexcept {
    snd_pcm_ioplug_t* io = nullptr;
    std::memcpy(&io, WordsOf(pcm)[g_hook.at + kPrivateData], sizeof io);
    return io;
}

int RefineByRule(snd_pcm_t* pcm, snd_pcm_hw_params_t* params) noexcept {
    g_was_called = true;
    snd_pcm_ioplug_t& io = *PlugOf(pcm);
    int error = g_hook.rule(io, params);
    if (error >= 0) error = g_hook.original(pcm, params);
    if (error < 0 || g_is_narrowing) return error;
    g_is_narrowing = true;
    g_hook.narrow(io, params);
    g_is_narrowing = false;
    return error;
}

bool PrepareHook(const void* ops, size_t at, RefineRule rule,
                 NarrowRule narrow) noexcept {
    if (g_hook.original != nullptr)
        return g_hook.at == at && g_hook.original_ops == ops && g_hook.rule == rule &&
               g_hook.narrow == narrow;
    const auto table = TableAt(ops);
    if (!IsKnownTable(table)) return false;
    g_hook.at = at;
    g_hook.original_ops = ops;
    std::ranges::copy(table, g_hook.ops.begin());
    std::memcpy(&g_hook.original, &table[kHwRefine], sizeof g_hook.original);
    const Refine ours = &RefineByRule;
    std::memcpy(&g_hook.ops[kHwRefine], &ours, sizeof ours);
    g_hook.rule = rule;
    g_hook.narrow = narrow;
    return true;
}

/** Whether alsa-lib refines with the replaced function: tried once for each PCM. */
bool IsCalled(snd_pcm_t* pcm) noexcept {
    snd_pcm_hw_params_t* params = nullptr;
    snd_pcm_hw_params_alloca(&params);
    g_was_called = false;
    snd_pcm_hw_params_any(pcm, params);
    return g_was_called;
}

}  // namespace

bool HookRefine(snd_pcm_ioplug_t& io, RefineRule rule, NarrowRule narrow) noexcept {
    const std::scoped_lock lock{g_hook_mutex};
    const std::optional<size_t> at = FindMembers(io);
    if (!at) return false;
    const void*& ops = WordsOf(io.pcm)[*at + kOps];
    const void* const original = ops;
    if (!PrepareHook(original, *at, rule, narrow)) return false;
    ops = g_hook.ops.data();
    if (IsCalled(io.pcm)) return true;
    ops = original;
    return false;
}

}  // namespace shmd::plugin
