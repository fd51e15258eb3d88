#include "bench/kernels/spa_mixer.h"

#include <dlfcn.h>
#include <spa/buffer/buffer.h>
#include <spa/node/io.h>
#include <spa/node/node.h>
#include <spa/node/utils.h>
#include <spa/param/audio/dsp-utils.h>
#include <spa/support/cpu.h>
#include <spa/support/loop.h>
#include <spa/support/plugin.h>
#include <spa/utils/names.h>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace shmd::bench {
namespace {

void Require(int result, const char* what) {
    if (result < 0)
        throw std::runtime_error{std::string{what} + ": " + std::strerror(-result)};
}

/** A part of a plugin, in memory that it asked for. Its library stays loaded. */
class Handle {
  public:
    Handle(const std::string& library, const char* name,
           const std::vector<spa_support>& support) {
        const auto* factory = Find(library, name);
        memory_.resize(spa_handle_factory_get_size(factory, nullptr) / sizeof(Block) + 1);
        Require(spa_handle_factory_init(factory, Get(), nullptr, support.data(),
                                        static_cast<uint32_t>(support.size())),
                name);
    }
    ~Handle() { spa_handle_clear(Get()); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    template <typename Interface>
    Interface* As(const char* type) {
        void* interface = nullptr;
        Require(spa_handle_get_interface(Get(), type, &interface), type);
        return static_cast<Interface*>(interface);
    }

  private:
    struct alignas(64) Block {
        std::array<std::byte, 64> bytes;
    };

    spa_handle* Get() { return reinterpret_cast<spa_handle*>(memory_.data()); }

    static const spa_handle_factory* Find(const std::string& library, const char* name) {
        void* loaded = dlopen(library.c_str(), RTLD_NOW);
        if (loaded == nullptr) throw std::runtime_error{dlerror()};
        const auto enumerate = reinterpret_cast<spa_handle_factory_enum_func_t>(
            dlsym(loaded, SPA_HANDLE_FACTORY_ENUM_FUNC_NAME));
        const spa_handle_factory* factory = nullptr;
        for (uint32_t index = 0; enumerate != nullptr && enumerate(&factory, &index) > 0;)
            if (std::strcmp(factory->name, name) == 0) return factory;
        throw std::runtime_error{library + " has no " + name};
    }

    std::vector<Block> memory_;
};

/** The mixer wants a loop to change its ports in: here there is no other thread. */
int InvokeAtOnce(void*, spa_invoke_func_t function, uint32_t sequence, const void* data,
                 size_t size, bool, void* user_data) {
    return function(nullptr, false, sequence, data, size, user_data);
}

constexpr spa_loop_methods kLoopMethods{.version = SPA_VERSION_LOOP_METHODS,
                                        .add_source = nullptr,
                                        .update_source = nullptr,
                                        .remove_source = nullptr,
                                        .invoke = InvokeAtOnce};

/** What one port reads or writes. */
struct Port {
    std::vector<float> samples;
    spa_chunk chunk{};
    spa_data data{};
    spa_buffer buffer{};
    spa_io_buffers io{};

    explicit Port(size_t frames) : samples(frames + 16, SpaMixer::kSample) {
        const auto bytes = static_cast<uint32_t>(frames * sizeof(float));
        chunk.size = bytes;
        chunk.stride = sizeof(float);
        // The loops for this processor want it aligned.
        auto at = reinterpret_cast<uintptr_t>(samples.data());
        at = (at + 63) / 64 * 64;
        data.type = SPA_DATA_MemPtr;
        data.data = reinterpret_cast<void*>(at);
        data.maxsize = bytes;
        data.chunk = &chunk;
        buffer.n_datas = 1;
        buffer.datas = &data;
    }
};

}  // namespace

struct SpaMixer::Graph {
    Handle cpu;
    spa_loop loop{};
    spa_io_position position{};  // the graph's cycle: it is read every time
    std::unique_ptr<Handle> handle;
    spa_node* node = nullptr;
    std::vector<std::unique_ptr<Port>> inputs;
    std::unique_ptr<Port> output;

    Graph(const std::string& plugin_dir, size_t streams, size_t frames)
        : cpu{plugin_dir + "/support/libspa-support.so", SPA_NAME_SUPPORT_CPU, {}} {
        loop.iface = SPA_INTERFACE_INIT(SPA_TYPE_INTERFACE_DataLoop, SPA_VERSION_LOOP,
                                        &kLoopMethods, this);
        handle = std::make_unique<Handle>(
            plugin_dir + "/audiomixer/libspa-audiomixer.so", "audio.mixer.dsp",
            std::vector<spa_support>{
                {.type = SPA_TYPE_INTERFACE_CPU,
                 .data = cpu.As<spa_cpu>(SPA_TYPE_INTERFACE_CPU)},
                {.type = SPA_TYPE_INTERFACE_DataLoop, .data = &loop}});
        node = handle->As<spa_node>(SPA_TYPE_INTERFACE_Node);
        position.clock.duration = frames;
        Require(spa_node_set_io(node, SPA_IO_Position, &position, sizeof position),
                "position");
        output = std::make_unique<Port>(frames);
        Connect(SPA_DIRECTION_OUTPUT, 0, *output);
        for (uint32_t i = 0; i < streams; ++i) {
            Require(spa_node_add_port(node, SPA_DIRECTION_INPUT, i, nullptr), "add_port");
            inputs.push_back(std::make_unique<Port>(frames));
            Connect(SPA_DIRECTION_INPUT, i, *inputs.back());
        }
        const spa_command start = SPA_NODE_COMMAND_INIT(SPA_NODE_COMMAND_Start);
        Require(spa_node_send_command(node, &start), "start");
    }

    void Connect(spa_direction direction, uint32_t index, Port& port) {
        std::array<std::byte, 1024> memory{};
        spa_pod_builder builder{};
        spa_pod_builder_init(&builder, memory.data(), memory.size());
        spa_audio_info_dsp info{.format = SPA_AUDIO_FORMAT_DSP_F32};
        const auto* format =
            spa_format_audio_dsp_build(&builder, SPA_PARAM_Format, &info);
        Require(
            spa_node_port_set_param(node, direction, index, SPA_PARAM_Format, 0, format),
            "format");
        auto* buffer = &port.buffer;
        Require(spa_node_port_use_buffers(node, direction, index, 0, &buffer, 1),
                "use_buffers");
        Require(spa_node_port_set_io(node, direction, index, SPA_IO_Buffers, &port.io,
                                     sizeof port.io),
                "set_io");
    }
};

SpaMixer::SpaMixer(const std::string& plugin_dir, size_t streams, size_t frames)
    : graph_{std::make_unique<Graph>(plugin_dir, streams, frames)} {}

SpaMixer::~SpaMixer() = default;

const float* SpaMixer::Process() {
    for (auto& input : graph_->inputs)
        input->io = {.status = SPA_STATUS_HAVE_DATA, .buffer_id = 0};
    graph_->output->io.status = SPA_STATUS_NEED_DATA;
    Require(spa_node_process(graph_->node), "process");
    if (graph_->output->io.status != SPA_STATUS_HAVE_DATA)
        throw std::runtime_error{"audio.mixer.dsp made no output"};
    return static_cast<const float*>(graph_->output->data.data);
}

}  // namespace shmd::bench
