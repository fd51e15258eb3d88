#include "config.h"

#include "base/unique_fd.h"
#include "key_line.h"
#include "keys.h"
#include "usage_error.h"

#include <alsa/asoundlib.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace shmd {
namespace {

// More is not a configuration file but a mistake, such as a device node.
constexpr size_t kMaxFileBytes = 1024 * 1024;

struct Free {
    void operator()(snd_config_t* config) const { snd_config_delete(config); }
    void operator()(snd_input_t* input) const { snd_input_close(input); }
};
using ConfigPtr = std::unique_ptr<snd_config_t, Free>;
using InputPtr = std::unique_ptr<snd_input_t, Free>;

/** While it lives, what this thread makes alsa-lib complain about is kept, not printed.
 */
class ErrorCapture {
  public:
    explicit ErrorCapture(std::string& text) {
        text_ = &text;
        previous_ = snd_lib_error;
        snd_lib_error_set_handler(&OnError);
    }
    ErrorCapture(const ErrorCapture&) = delete;
    ErrorCapture& operator=(const ErrorCapture&) = delete;
    ~ErrorCapture() {
        snd_lib_error_set_handler(previous_);
        text_ = nullptr;
    }

  private:
    static void OnError(const char* file, int line, const char* function, int error,
                        const char* format, ...) {
        char text[512];
        va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        // The handler is the process's: another thread's complaint goes where it went.
        if (text_ == nullptr)
            previous_(file, line, function, error, "%s", text);
        else if (text_->empty())  // the first one names line and column
            *text_ = text;
    }

    static inline thread_local std::string* text_ = nullptr;
    static inline snd_lib_error_handler_t previous_ = nullptr;
};

/** One file that is being read, and how to complain about it. */
class ConfigFile {
  public:
    explicit ConfigFile(const std::string& path) : path_{path} {
        ReadText();
        Parse();
    }

    void Apply(Settings& settings) const {
        snd_config_iterator_t i, next;
        snd_config_for_each(i, next, root_.get()) {
            const snd_config_t* const node = snd_config_iterator_entry(i);
            const char* id = nullptr;
            snd_config_get_id(node, &id);
            ApplyNode(id, node, settings);
        }
    }

  private:
    [[noreturn]] void Refuse(const std::string& message) const {
        throw UsageError{EX_CONFIG, path_ + ": " + message};
    }

    /** @param key  "gain" or "device.tv" */
    [[noreturn]] void RefuseKey(const std::string& key,
                                const std::string& message) const {
        const size_t line = FindKeyLine(text_, key);
        const std::string where = line == 0 ? "" : ":" + std::to_string(line);
        throw UsageError{EX_CONFIG, path_ + where + ": key '" + key + "': " + message};
    }

    [[noreturn]] void RefuseUnknown(const std::string& key) const {
        const Key* const meant = FindNearestKey(key);
        RefuseKey(key, meant == nullptr
                           ? "unknown"
                           : std::string{"unknown; did you mean "} + meant->name + "?");
    }

    void ReadText() {
        const base::UniqueFd fd{open(path_.c_str(), O_RDONLY | O_CLOEXEC)};
        if (!fd) Refuse(std::strerror(errno));
        char part[4096];
        ssize_t bytes = 0;
        while ((bytes = read(fd.Get(), part, sizeof part)) > 0) {
            text_.append(part, static_cast<size_t>(bytes));
            if (text_.size() > kMaxFileBytes) Refuse("larger than 1 MiB");
        }
        if (bytes < 0) Refuse(std::strerror(errno));
    }

    void Parse() {
        snd_config_t* root = nullptr;
        snd_input_t* input = nullptr;
        if (snd_config_top(&root) < 0) throw std::bad_alloc{};
        root_.reset(root);
        if (snd_input_buffer_open(&input, text_.data(),
                                  static_cast<ssize_t>(text_.size())) < 0)
            throw std::bad_alloc{};
        const InputPtr input_owner{input};
        std::string complaint;
        const ErrorCapture capture{complaint};
        if (const int error = snd_config_load(root, input); error < 0)
            RefuseSyntax(complaint.empty() ? snd_strerror(error) : complaint);
    }

    /** alsa-lib calls a text without a name "_toplevel_:LINE:COLUMN", or ":LINE:COLUMN".
     */
    [[noreturn]] void RefuseSyntax(std::string complaint) const {
        constexpr std::string_view kUnnamed = "_toplevel_";
        if (complaint.starts_with(kUnnamed)) complaint.erase(0, kUnnamed.size());
        if (!complaint.starts_with(':')) Refuse(complaint);
        throw UsageError{EX_CONFIG, path_ + complaint};
    }

    void ApplyNode(const std::string& id, const snd_config_t* node,
                   Settings& settings) const {
        const Key* const key = FindKey(id);
        if (key == nullptr) RefuseUnknown(id);
        if (std::holds_alternative<DeviceList Settings::*>(key->member))
            return ApplyDevices(id, node, settings.devices);
        const std::string text = ScalarText(*key, node);
        Try(id, [&] { SetFromText(*key, text, settings); });
    }

    void ApplyDevices(const std::string& id, const snd_config_t* node,
                      DeviceList& devices) const {
        devices.clear();
        if (snd_config_get_type(node) != SND_CONFIG_TYPE_COMPOUND)
            return AddDeviceNode(id, "default", node, devices);
        snd_config_iterator_t i, next;
        snd_config_for_each(i, next, node) {
            const snd_config_t* const entry = snd_config_iterator_entry(i);
            const char* name = nullptr;
            snd_config_get_id(entry, &name);
            AddDeviceNode(id + "." + name, name, entry, devices);
        }
        if (devices.empty()) RefuseKey(id, "names no device");
    }

    void AddDeviceNode(const std::string& key, const char* name, const snd_config_t* node,
                       DeviceList& devices) const {
        const char* spec = nullptr;
        if (snd_config_get_string(node, &spec) < 0 || spec == nullptr)
            RefuseKey(key, "must be a string, \"SPEC\"");
        Try(key, [&] { AddDevice(devices, name, spec); });
    }

    /** The value as text, if it is of the type that the key takes. */
    std::string ScalarText(const Key& key, const snd_config_t* node) const {
        const bool is_number = std::holds_alternative<uint32_t Settings::*>(key.member);
        const bool is_real = std::holds_alternative<double Settings::*>(key.member);
        const bool is_bool = std::holds_alternative<bool Settings::*>(key.member);
        const char* string = nullptr;
        if (!is_number && !is_real && snd_config_get_string(node, &string) >= 0)
            return string == nullptr ? "" : string;
        long integer = 0;
        if ((is_number || is_bool) && snd_config_get_integer(node, &integer) >= 0)
            return std::to_string(integer);
        double real = 0;
        if (is_real && snd_config_get_ireal(node, &real) >= 0) return ExactText(real);
        RefuseKey(key.name, "must be " + Allowed(key));
    }

    static std::string ExactText(double value) {
        char digits[32];
        return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
    }

    template <typename Set>
    void Try(const std::string& key, Set set) const {
        try {
            set();
        } catch (const std::invalid_argument& error) {
            RefuseKey(key, error.what());
        }
    }

    std::string path_;
    std::string text_;
    ConfigPtr root_;
};

}  // namespace

void LoadConfig(const std::string& path, Settings& settings) {
    Settings result = settings;
    ConfigFile{path}.Apply(result);
    settings = result;
}

}  // namespace shmd
