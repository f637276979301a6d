// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/hevc_encoder.h>

#include <x265.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace scsc {
namespace {

constexpr int kMaxSide = 8192;

int rounded_up(int v, int step) { return (v + step - 1) / step * step; }

void require(bool ok, const std::string& what)
{
    if (!ok)
        throw std::invalid_argument(what);
}

void check(const HevcPicture& p, const HevcEncoderOptions& o)
{
    require(p.width >= 1 && p.width <= kMaxSide,
            "width must be 1 .. 8192, got " + std::to_string(p.width));
    require(p.height >= 1 && p.height <= kMaxSide,
            "height must be 1 .. 8192, got " + std::to_string(p.height));
    require(p.chroma_format >= 0 && p.chroma_format <= 3,
            "chroma_format must be 0 .. 3, got " + std::to_string(p.chroma_format));
    require(p.depth == 8 || p.depth == 10 || p.depth == 12,
            "depth must be 8, 10 or 12, got " + std::to_string(p.depth));
    require(o.slice_qp >= 0 && o.slice_qp <= 51,
            "slice QP must be 0 .. 51, got " + std::to_string(o.slice_qp));
    require(o.chroma_qp_offset >= -12 && o.chroma_qp_offset <= 12,
            "chroma QP offset must be -12 .. 12, got " +
                std::to_string(o.chroma_qp_offset));
}

/// Copies a plane into the padded size, replicating the last column and row; T is what
/// x265 reads.
template <typename T>
void pad_plane(const uint16_t* from, int w, int h, int padded_w, int padded_h, T* to)
{
    for (int y = 0; y < padded_h; ++y) {
        const uint16_t* row = from + static_cast<size_t>(std::min(y, h - 1)) * w;
        T* out = to + static_cast<size_t>(y) * padded_w;
        for (int x = 0; x < w; ++x)
            out[x] = static_cast<T>(row[x]);
        std::fill(out + w, out + padded_w, static_cast<T>(row[w - 1]));
    }
}

class Parameters
{
public:
    Parameters(const x265_api& api, const HevcEncoderOptions& options)
        : d_api(api), d_param(api.param_alloc())
    {
        if (!d_param)
            throw std::runtime_error("x265 could not allocate its parameters");
        if (api.param_default_preset(d_param, options.preset.c_str(), "psnr") < 0) {
            api.param_free(d_param);
            throw std::invalid_argument(
                "preset must be an x265 preset such as veryslow or slow, got " +
                options.preset);
        }
        d_param->logLevel =
            X265_LOG_NONE; // before parsing: x265 prints to stderr otherwise
    }
    ~Parameters() { d_api.param_free(d_param); }
    Parameters(const Parameters&) = delete;
    Parameters& operator=(const Parameters&) = delete;

    void set(const char* name, const std::string& value)
    {
        if (d_api.param_parse(d_param, name, value.c_str()) != 0)
            throw std::runtime_error(std::string("x265 refused the option ") + name +
                                     "=" + value);
    }
    void set(const char* name, int value) { set(name, std::to_string(value)); }
    x265_param* get() { return d_param; }

private:
    const x265_api& d_api;
    x265_param* d_param;
};

void configure(Parameters& param,
               const HevcPicture& p,
               const HevcEncoderOptions& o,
               int width,
               int height)
{
    const int min_cu = hevc_min_coding_block(p.width, p.height);
    int ctu = 64;
    while (ctu > 16 && ctu > std::min(width, height))
        ctu /= 2;
    const int tu_depth = ctu == 16 ? 3 : 4;
    param.set("ctu", ctu);
    param.set("min-cu-size", min_cu);
    param.set("max-tu-size", std::min(32, ctu));
    param.set("tu-intra-depth", tu_depth);
    param.set("tu-inter-depth", tu_depth);
    static const std::pair<const char*, const char*> fixed[] = {
        {"rect", "1"},
        {"amp", "1"},
        {"temporal-mvp", "1"},
        {"keyint", "1"},
        {"min-keyint", "1"},
        {"bframes", "0"},
        {"rc-lookahead", "0"},
        {"scenecut", "0"},
        {"open-gop", "0"},
        {"weightp", "0"},
        {"cutree", "0"},
        {"scaling-list", "off"},
        {"log2-max-poc-lsb", "8"},
        {"repeat-headers", "1"},
        {"annexb", "1"},
        {"info", "0"},
        {"hash", "0"},
        {"aud", "0"},
        {"hrd", "0"},
        {"vui-timing-info", "0"},
        {"vui-hrd-info", "0"},
        {"opt-qp-pps", "0"},
        {"opt-ref-list-length-pps", "0"},
        {"wpp", "0"},
        {"pools", "none"},
        {"frame-threads", "1"},
        {"slices", "1"},
        {"interlace", "0"},
    };
    for (const auto& option : fixed)
        param.set(option.first, option.second);
    param.set("qp", o.slice_qp);
    param.set("ipratio",
              "1.0"); // otherwise an intra picture is coded at qp - 6 log2(ipratio)
    param.set("cbqpoffs", o.chroma_qp_offset);
    param.set("crqpoffs", o.chroma_qp_offset);
    if (o.lossless)
        param.set("lossless", "1");
    x265_param* raw = param.get();
    raw->sourceWidth = width;
    raw->sourceHeight = height;
    raw->internalCsp = p.chroma_format;
    raw->internalBitDepth = p.depth;
    raw->totalFrames = 1;
    raw->fpsNum = 25;
    raw->fpsDenom = 1;
}

void append(std::vector<uint8_t>& bytes, const x265_nal* nals, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i)
        bytes.insert(bytes.end(), nals[i].payload, nals[i].payload + nals[i].sizeBytes);
}

// x265 fills process-wide tables while the first encoder of a depth opens.
std::mutex& open_mutex()
{
    static std::mutex mutex;
    return mutex;
}

} // namespace

int hevc_min_coding_block(int width, int height)
{
    return std::min(width, height) <= 8 ? 16 : 8;
}

std::vector<uint8_t> hevc_encode(const HevcPicture& p, const HevcEncoderOptions& options)
{
    check(p, options);
    const x265_api* api = x265_api_get(p.depth);
    if (!api)
        throw std::runtime_error("this x265 library has no " + std::to_string(p.depth) +
                                 "-bit encoder");

    const int step = hevc_min_coding_block(p.width, p.height);
    const int width = rounded_up(p.width, step), height = rounded_up(p.height, step);
    Parameters param(*api, options);
    configure(param, p, options, width, height);

    const size_t sample_bytes = p.depth > 8 ? 2 : 1;
    std::vector<uint8_t> buffers[3];
    x265_picture* raw = api->picture_alloc();
    if (!raw)
        throw std::runtime_error("x265 could not allocate a picture");
    std::unique_ptr<x265_picture, void (*)(x265_picture*)> picture(raw,
                                                                   api->picture_free);
    api->picture_init(param.get(), raw);
    raw->bitDepth = p.depth;
    raw->colorSpace = p.chroma_format;
    for (int c = 0; c < (p.chroma_format == 0 ? 1 : 3); ++c) {
        const int div_x = c > 0 && p.chroma_format != 3 ? 2 : 1,
                  div_y = c > 0 && p.chroma_format == 1 ? 2 : 1;
        const int w = (p.width + div_x - 1) / div_x, h = (p.height + div_y - 1) / div_y;
        const int padded_w = width / div_x, padded_h = height / div_y;
        buffers[c].resize(sample_bytes * padded_w * padded_h);
        if (sample_bytes == 1)
            pad_plane(p.planes[c], w, h, padded_w, padded_h, buffers[c].data());
        else
            pad_plane(p.planes[c],
                      w,
                      h,
                      padded_w,
                      padded_h,
                      reinterpret_cast<uint16_t*>(buffers[c].data()));
        raw->planes[c] = buffers[c].data();
        raw->stride[c] = static_cast<int>(sample_bytes) * padded_w;
    }

    std::unique_lock<std::mutex> opening(open_mutex());
    std::unique_ptr<x265_encoder, void (*)(x265_encoder*)> encoder(
        api->encoder_open(param.get()), api->encoder_close);
    opening.unlock();
    if (!encoder)
        throw std::runtime_error("x265 could not open an encoder for " +
                                 std::to_string(width) + " x " + std::to_string(height));
    std::vector<uint8_t> bytes;
    x265_nal* nals = nullptr;
    uint32_t count = 0;
    int pictures = api->encoder_encode(encoder.get(), &nals, &count, raw, nullptr);
    while (pictures >= 0) {
        append(bytes, nals, count);
        if (pictures == 0 && !bytes.empty())
            break;
        pictures = api->encoder_encode(encoder.get(), &nals, &count, nullptr, nullptr);
        if (pictures == 0 && bytes.empty())
            break;
    }
    if (pictures < 0 || bytes.empty())
        throw std::runtime_error("x265 wrote no picture");
    return bytes;
}

} // namespace scsc
