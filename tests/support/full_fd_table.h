#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace shmd::test {

/**
 * While it lives this process cannot open another descriptor, or only `left` more. Its
 * limit is lowered to the lowest descriptor that is free; those that are open stay open.
 */
class FullFdTable {
  public:
    explicit FullFdTable(int left = 0) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const int free_fd = ::dup(0);
        ::close(free_fd);
        rlimit full = before_;
        full.rlim_cur = static_cast<rlim_t>(free_fd + left);
        ::setrlimit(RLIMIT_NOFILE, &full);
    }
    FullFdTable(const FullFdTable&) = delete;
    FullFdTable& operator=(const FullFdTable&) = delete;
    ~FullFdTable() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

}  // namespace shmd::test
