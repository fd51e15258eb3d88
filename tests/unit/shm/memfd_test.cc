#include "shm/memfd.h"

#include "shm/mapping.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/device/temp_dir.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace shmd::shm {
namespace {

constexpr uint64_t kBytes = 16384;

/** A memfd that was mapped writable and sealed then, as a pool is. */
class SealedMemfd : public test::FdCheckedTest {
  protected:
    SealedMemfd()
        : fd_{CreateMemfd(kBytes)},
          older_{Mapping::OfFile(fd_.Get(), kBytes, Mapping::Access::kReadWrite)} {
        SealOneWay(fd_.Get());
    }

    base::UniqueFd fd_;
    Mapping older_;
};

TEST_F(SealedMemfd, CannotBeMappedWritableAgain) {
    void* const map =
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.Get(), 0);
    EXPECT_EQ(map, MAP_FAILED);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemfd, CannotHaveAReadOnlyMappingMadeWritable) {
    void* const map = ::mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, fd_.Get(), 0);
    ASSERT_NE(map, MAP_FAILED);
    EXPECT_EQ(::mprotect(map, kBytes, PROT_READ | PROT_WRITE), -1);
    EXPECT_EQ(errno, EACCES);
    ::munmap(map, kBytes);
}

TEST_F(SealedMemfd, CannotBeWritten) {
    EXPECT_EQ(::pwrite(fd_.Get(), "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemfd, CannotBeMadeShorterOrLonger) {
    EXPECT_EQ(::ftruncate(fd_.Get(), kBytes / 2), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(::ftruncate(fd_.Get(), kBytes * 2), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemfd, CannotHaveAHolePunchedIntoIt) {
    EXPECT_EQ(::fallocate(fd_.Get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096),
              -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemfd, CannotBeSealedFurther) {
    EXPECT_EQ(::fcntl(fd_.Get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedMemfd, IsStillWrittenThroughTheOlderMappingAndSeenThroughANewOne) {
    const Mapping reader = Mapping::OfFile(fd_.Get(), kBytes, Mapping::Access::kReadOnly);
    older_.Writable()[5000] = std::byte{42};
    EXPECT_EQ(reader.Bytes()[5000], std::byte{42});
}

TEST_F(SealedMemfd, IsFoundGood) {
    EXPECT_EQ(CheckOneWay(fd_.Get(), kBytes), PoolFault::kNone);
}

TEST_F(SealedMemfd, IsRefusedAtAnotherSizeThanAnnounced) {
    EXPECT_EQ(CheckOneWay(fd_.Get(), kBytes - 1), PoolFault::kSize);
    EXPECT_EQ(CheckOneWay(fd_.Get(), kBytes + 1), PoolFault::kSize);
    EXPECT_EQ(CheckOneWay(fd_.Get(), 0), PoolFault::kSize);
}

using CheckOneWayTest = test::FdCheckedTest;

TEST_F(CheckOneWayTest, RefusesAFile) {
    const device::TempDir dir;
    const base::UniqueFd file{
        ::open(dir.File("pool").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    ASSERT_EQ(::ftruncate(file.Get(), kBytes), 0);
    EXPECT_NE(CheckOneWay(file.Get(), kBytes), PoolFault::kNone);
}

TEST_F(CheckOneWayTest, RefusesAPipe) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::UniqueFd read_end{ends[0]};
    const base::UniqueFd write_end{ends[1]};
    EXPECT_EQ(CheckOneWay(read_end.Get(), 0), PoolFault::kNotMemfd);
}

TEST_F(CheckOneWayTest, RefusesAClosedDescriptor) {
    EXPECT_EQ(CheckOneWay(-1, kBytes), PoolFault::kNotMemfd);
}

TEST_F(CheckOneWayTest, RefusesAMemfdThatLacksAnyOneSeal) {
    constexpr int kAll[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL};
    for (const int missing : kAll) {
        const base::UniqueFd fd = CreateMemfd(kBytes);
        int seals = 0;
        for (const int seal : kAll)
            if (seal != missing) seals |= seal;
        ASSERT_EQ(::fcntl(fd.Get(), F_ADD_SEALS, seals), 0);
        EXPECT_EQ(CheckOneWay(fd.Get(), kBytes), PoolFault::kUnsealed) << missing;
    }
}

TEST_F(CheckOneWayTest, RefusesAMemfdThatWasMadeWithoutSealing) {
    const base::UniqueFd fd{::memfd_create("plain", MFD_CLOEXEC)};
    ASSERT_EQ(::ftruncate(fd.Get(), kBytes), 0);
    EXPECT_EQ(CheckOneWay(fd.Get(), kBytes), PoolFault::kUnsealed);
}

TEST_F(CheckOneWayTest, RefusesAMemfdOnHugePages) {
    constexpr uint64_t kHugePage = uint64_t{2} << 20;
    const base::UniqueFd fd{
        ::memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB)};
    if (!fd)
        GTEST_SKIP() << "this kernel makes no memfd on huge pages: "
                     << std::strerror(errno);
    ASSERT_EQ(::ftruncate(fd.Get(), kHugePage), 0);
    SealOneWay(fd.Get());
    EXPECT_EQ(CheckOneWay(fd.Get(), kHugePage), PoolFault::kNotMemfd);
}

TEST_F(CheckOneWayTest, HasASentenceForEachFault) {
    for (const auto fault :
         {PoolFault::kNone, PoolFault::kNotMemfd, PoolFault::kUnsealed, PoolFault::kSize})
        EXPECT_STRNE(Describe(fault), "unknown fault");
}

TEST_F(CheckOneWayTest, IsPassedByASparseMemfd) {
    const base::UniqueFd fd = CreateMemfd(uint64_t{1} << 30);
    SealOneWay(fd.Get());
    EXPECT_EQ(CheckOneWay(fd.Get(), uint64_t{1} << 30), PoolFault::kNone);
}

}  // namespace
}  // namespace shmd::shm
