#include "plugin/pcm_options.h"

#include <gtest/gtest.h>
#include <cerrno>
#include <memory>

namespace shmd::plugin {
namespace {

struct DeleteConfig {
    void operator()(snd_config_t* config) const noexcept { snd_config_delete(config); }
};

/** The result of reading `text`, as it stands between the braces of a PCM. */
int Read(const char* text, PcmOptions& options) {
    snd_config_t* config = nullptr;
    if (snd_config_load_string(&config, text, 0) < 0) return -ENOEXEC;
    const std::unique_ptr<snd_config_t, DeleteConfig> owner{config};
    return ReadPcmOptions(config, options);
}

int Read(const char* text) {
    PcmOptions options;
    return Read(text, options);
}

TEST(PcmOptions, HasDefaultsForAnEmptyPcm) {
    PcmOptions options;
    EXPECT_EQ(Read("type shmd", options), 0);
    EXPECT_EQ(options.server, "");
    EXPECT_TRUE(options.reconnect);
    EXPECT_EQ(options.reconnect_timeout_s, 10);
    EXPECT_EQ(options.channels_max, 0U);
    EXPECT_EQ(options.buffer_max_ms, 2000U);
}

TEST(PcmOptions, ReadsEachKey) {
    PcmOptions options;
    EXPECT_EQ(Read("server '/a' \n server_user root \n device tv \n fallback 'hw:0' \n"
                   "direct never \n reconnect no \n reconnect_timeout 7 \n"
                   "channels_max 6 \n buffer_max_ms 500",
                   options),
              0);
    EXPECT_EQ(options.server, "/a");
    EXPECT_EQ(options.server_user, "root");
    EXPECT_EQ(options.device, "tv");
    EXPECT_EQ(options.fallback, "hw:0");
    EXPECT_EQ(options.direct, "never");
    EXPECT_FALSE(options.reconnect);
    EXPECT_EQ(options.reconnect_timeout_s, 7);
    EXPECT_EQ(options.channels_max, 6U);
    EXPECT_EQ(options.buffer_max_ms, 500U);
}

TEST(PcmOptions, TakesAUsersNumberWithoutQuotes) {
    PcmOptions options;
    EXPECT_EQ(Read("server_user 1000", options), 0);
    EXPECT_EQ(options.server_user, "1000");
}

TEST(PcmOptions, TakesANumberForAUserOnly) {
    EXPECT_EQ(Read("device 1000"), -EINVAL);
}

TEST(PcmOptions, LeavesTheKeysThatEveryPcmMayHave) {
    EXPECT_EQ(Read("comment 'any' \n hint { show on }"), 0);
}

TEST(PcmOptions, RefusesAnUnknownKey) {
    EXPECT_EQ(Read("devise tv"), -EINVAL);
}

TEST(PcmOptions, RefusesNumbersBeyondTheirLimits) {
    EXPECT_EQ(Read("reconnect_timeout 1"), 0);
    EXPECT_EQ(Read("reconnect_timeout 0"), -EINVAL);
    EXPECT_EQ(Read("reconnect_timeout 86400"), 0);
    EXPECT_EQ(Read("reconnect_timeout 86401"), -EINVAL);
    EXPECT_EQ(Read("channels_max 0"), -EINVAL);
    EXPECT_EQ(Read("channels_max 100000"), -EINVAL);
    EXPECT_EQ(Read("buffer_max_ms 100"), 0);
    EXPECT_EQ(Read("buffer_max_ms 99"), -EINVAL);
    EXPECT_EQ(Read("buffer_max_ms 600000"), 0);
    EXPECT_EQ(Read("buffer_max_ms 600001"), -EINVAL);
}

TEST(PcmOptions, RefusesWordsForAFlagOrANumber) {
    EXPECT_EQ(Read("reconnect perhaps"), -EINVAL);
    EXPECT_EQ(Read("channels_max many"), -EINVAL);
}

TEST(PcmOptions, KnowsTheWordsOfDirect) {
    EXPECT_EQ(FindDirect(""), wire::Direct::kAuto);
    EXPECT_EQ(FindDirect("auto"), wire::Direct::kAuto);
    EXPECT_EQ(FindDirect("never"), wire::Direct::kNever);
    EXPECT_EQ(FindDirect("require"), wire::Direct::kRequire);
    EXPECT_FALSE(FindDirect("always"));
    EXPECT_EQ(Read("direct always"), -EINVAL);
}

}  // namespace
}  // namespace shmd::plugin
