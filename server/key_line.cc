#include "key_line.h"

#include <algorithm>
#include <string>
#include <vector>

namespace shmd {
namespace {

/** Cuts a text into words, quoted strings and brackets, as far as a line number needs it.
 */
class Tokens {
  public:
    explicit Tokens(std::string_view text) : text_{text} {}

    /** @return false at the end. */
    bool Next() {
        SkipSeparators();
        if (at_ == text_.size()) return false;
        line_ = reached_;
        if (IsOneOf(text_[at_], "{}[]"))
            token_ = text_.substr(at_++, 1);
        else
            TakeWord();
        return true;
    }

    /** A word without its quotes; "{", "}", "[" or "]". */
    [[nodiscard]] std::string_view Text() const { return token_; }
    [[nodiscard]] bool Is(char bracket) const {
        return !quoted_ && token_.size() == 1 && token_[0] == bracket;
    }
    [[nodiscard]] size_t Line() const { return line_; }

  private:
    static bool IsOneOf(char c, std::string_view set) {
        return set.find(c) != std::string_view::npos;
    }

    void SkipSeparators() {
        quoted_ = false;
        for (; at_ < text_.size() && IsOneOf(text_[at_], " \f\t\r\n=,;#"); ++at_) {
            if (text_[at_] == '#') at_ = std::min(text_.find('\n', at_), text_.size());
            if (at_ == text_.size()) return;
            if (text_[at_] == '\n') ++reached_;
        }
    }

    void TakeWord() {
        if (IsOneOf(text_[at_], "'\"")) return TakeQuoted(text_[at_]);
        const size_t end =
            std::min(text_.find_first_of(" \f\t\r\n=,;#{}[]'\"", at_), text_.size());
        token_ = text_.substr(at_, end - at_);
        at_ = end;
    }

    void TakeQuoted(char quote) {
        quoted_ = true;
        const size_t begin = ++at_;
        for (; at_ < text_.size() && text_[at_] != quote; ++at_) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
            if (text_[at_] == '\n') ++reached_;
        }
        token_ = text_.substr(begin, at_ - begin);
        at_ = std::min(at_ + 1, text_.size());
    }

    std::string_view text_;
    std::string_view token_;
    size_t at_ = 0;
    size_t reached_ = 1;
    size_t line_ = 1;
    bool quoted_ = false;
};

/** Without the mode characters that alsa-lib allows before an id: "!device". */
std::string_view WithoutMode(std::string_view id) {
    id.remove_prefix(std::min(id.find_first_not_of("!+-?"), id.size()));
    return id;
}

void SkipArray(Tokens& tokens) {
    for (size_t depth = 1; depth > 0 && tokens.Next();)
        depth = tokens.Is('[') ? depth + 1 : tokens.Is(']') ? depth - 1 : depth;
}

}  // namespace

size_t FindKeyLine(std::string_view text, std::string_view path) {
    Tokens tokens{text};
    std::vector<std::string> open{""};  // what leads to the keys here: "", "device."
    size_t line = 0;
    while (tokens.Next()) {
        if (tokens.Is('}') && open.size() > 1) open.pop_back();
        // An included file, <NAME>, is a word of its own.
        if (tokens.Is('}') || tokens.Text().starts_with('<')) continue;
        const std::string id = open.back() + std::string{WithoutMode(tokens.Text())};
        if (id == path) line = tokens.Line();
        if (!tokens.Next()) break;
        if (tokens.Is('{')) open.push_back(id + ".");
        if (tokens.Is('[')) SkipArray(tokens);
    }
    return line;
}

}  // namespace shmd
