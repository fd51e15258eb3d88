#pragma once

namespace shmd::plugin {

/**
 * Tells a process that made something from a child that inherited it by fork(2): a page
 * that the kernel wipes in children, so asking costs no system call and needs no handler.
 * Thread: any.
 */
class ProcessMark {
  public:
    /** Errors: std::system_error. */
    ProcessMark();
    ProcessMark(const ProcessMark&) = delete;
    ProcessMark& operator=(const ProcessMark&) = delete;
    ~ProcessMark();

    /** Whether this process called Set(), or made it. */
    [[nodiscard]] bool IsSet() const noexcept { return *page_ != 0; }
    void Set() noexcept { *page_ = 1; }

  private:
    volatile unsigned char* page_;
};

}  // namespace shmd::plugin
