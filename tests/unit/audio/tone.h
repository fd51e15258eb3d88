#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

namespace shmd::audio {

/** What a least-squares fit of one sine finds in a signal. */
struct ToneFit {
    double amplitude = 0;
    double residual_rms = 0;  // of what is neither the sine nor a constant

    [[nodiscard]] double SnrDb() const {
        return 20 * std::log10(amplitude / std::numbers::sqrt2 / residual_rms);
    }
};

/** `frames` samples of a sine of `frequency_hz` at `rate_hz`. */
inline std::vector<float> Tone(double frequency_hz, double rate_hz, double amplitude,
                               size_t frames) {
    std::vector<float> tone(frames);
    const double step = 2 * std::numbers::pi * frequency_hz / rate_hz;
    for (size_t i = 0; i < frames; ++i)
        tone[i] = static_cast<float>(amplitude * std::sin(step * static_cast<double>(i)));
    return tone;
}

/** The 3 x 3 normal equations of a fit to sine, cosine and 1, solved by elimination. */
class ToneEquations {
  public:
    void Add(double sine, double cosine, double value) {
        const double row[] = {sine, cosine, 1.0};
        for (int r = 0; r < 3; ++r) {
            for (int c = 0; c < 3; ++c)
                m_[r][c] += row[r] * row[c];
            m_[r][3] += row[r] * value;
        }
    }

    /** Writes the weights of sine, cosine and 1 to `weights`. */
    void Solve(double (&weights)[3]) {
        for (int pivot = 0; pivot < 3; ++pivot)
            for (int r = 0; r < 3; ++r)
                if (r != pivot) Eliminate(r, pivot);
        for (int r = 0; r < 3; ++r)
            weights[r] = m_[r][3] / m_[r][r];
    }

  private:
    void Eliminate(int r, int pivot) {
        const double factor = m_[r][pivot] / m_[pivot][pivot];
        for (int c = 0; c < 4; ++c)
            m_[r][c] -= factor * m_[pivot][c];
    }

    double m_[3][4] = {};
};

/** Fit a sine of a known frequency to `signal` by least squares. */
inline ToneFit FitTone(std::span<const float> signal, double frequency_hz,
                       double rate_hz) {
    const double step = 2 * std::numbers::pi * frequency_hz / rate_hz;
    ToneEquations equations;
    for (size_t i = 0; i < signal.size(); ++i) {
        const double phase = step * static_cast<double>(i);
        equations.Add(std::sin(phase), std::cos(phase), static_cast<double>(signal[i]));
    }
    double weights[3];
    equations.Solve(weights);
    double energy = 0;
    for (size_t i = 0; i < signal.size(); ++i) {
        const double phase = step * static_cast<double>(i);
        const double fitted =
            weights[0] * std::sin(phase) + weights[1] * std::cos(phase) + weights[2];
        energy += std::pow(static_cast<double>(signal[i]) - fitted, 2);
    }
    return {.amplitude = std::hypot(weights[0], weights[1]),
            .residual_rms = std::sqrt(energy / static_cast<double>(signal.size()))};
}

}  // namespace shmd::audio
