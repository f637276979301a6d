// SPDX-License-Identifier: GPL-3.0-or-later
#include <scsc/hevc_decoder.h>

#include <libde265/de265.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace scsc {
namespace {

constexpr int kAlignment = 64;
constexpr int kTailBytes = 64; // libde265 reads a few bytes behind a plane

int plane_count(const HevcPictureShape& s) { return s.chroma_format == 0 ? 1 : 3; }
int plane_width(const HevcPictureShape& s, int c)
{
    return c == 0 || s.chroma_format == 3 ? s.width : (s.width + 1) / 2;
}
int plane_height(const HevcPictureShape& s, int c)
{
    return c == 0 || s.chroma_format != 1 ? s.height : (s.height + 1) / 2;
}

/// Picture memory that starts with a known byte, so that samples nobody writes can be
/// told apart.
struct FilledMemory {
    HevcPictureShape shape;
    int fill;

    static int
    get(de265_decoder_context*, de265_image_spec* spec, de265_image* image, void* user)
    {
        const FilledMemory& self = *static_cast<FilledMemory*>(user);
        const HevcPictureShape& s = self.shape;
        // A stream may carry parameter sets of its own; what they ask for must fit.
        if (spec->width != s.width || spec->height != s.height ||
            de265_get_chroma_format(image) != s.chroma_format)
            return 0;
        for (int c = 0; c < plane_count(s); ++c)
            if (de265_get_bits_per_pixel(image, c) != s.depth)
                return 0;
        const int bytes = s.depth > 8 ? 2 : 1;
        void* memory[3] = {nullptr, nullptr, nullptr};
        int stride[3] = {0, 0, 0};
        for (int c = 0; c < plane_count(s); ++c) {
            stride[c] = (plane_width(s, c) + kAlignment - 1) / kAlignment * kAlignment;
            const size_t size =
                static_cast<size_t>(stride[c]) * plane_height(s, c) * bytes + kTailBytes;
            memory[c] = std::aligned_alloc(
                kAlignment, (size + kAlignment - 1) / kAlignment * kAlignment);
            if (!memory[c]) {
                for (void* allocated : memory)
                    std::free(allocated);
                return 0;
            }
            std::memset(memory[c], self.fill, size);
        }
        for (int c = 0; c < plane_count(s); ++c)
            de265_set_image_plane(image, c, memory[c], stride[c], memory[c]);
        return 1;
    }

    static void release(de265_decoder_context*, de265_image* image, void* user)
    {
        const FilledMemory& self = *static_cast<FilledMemory*>(user);
        for (int c = 0; c < plane_count(self.shape); ++c)
            std::free(de265_get_image_plane_user_data(image, c));
    }
};

bool has_shape(const de265_image* image, const HevcPictureShape& s)
{
    if (de265_get_chroma_format(image) != s.chroma_format)
        return false;
    for (int c = 0; c < plane_count(s); ++c)
        if (de265_get_image_width(image, c) != plane_width(s, c) ||
            de265_get_image_height(image, c) != plane_height(s, c) ||
            de265_get_bits_per_pixel(image, c) != s.depth ||
            !de265_get_image_plane(image, c, nullptr))
            return false;
    return true;
}

std::vector<uint16_t>
copy_plane(const de265_image* image, const HevcPictureShape& s, int c)
{
    const int w = plane_width(s, c), h = plane_height(s, c);
    std::vector<uint16_t> plane(static_cast<size_t>(w) * h);
    int stride = 0;
    const uint8_t* from = de265_get_image_plane(image, c, &stride);
    for (int y = 0; y < h; ++y, from += stride) {
        uint16_t* to = plane.data() + static_cast<size_t>(y) * w;
        if (s.depth > 8)
            std::memcpy(to, from, 2 * static_cast<size_t>(w));
        else
            for (int x = 0; x < w; ++x)
                to[x] = from[x];
    }
    return plane;
}

int drain_warnings(de265_decoder_context* decoder)
{
    int count = 0;
    while (de265_get_warning(decoder) != DE265_OK)
        ++count;
    return count;
}

} // namespace

HevcDecoded hevc_decode(const uint8_t* stream,
                        size_t size,
                        const HevcPictureShape& shape,
                        const HevcDecoderOptions& options)
{
    if (shape.width < 1 || shape.height < 1 || shape.width > 65535 ||
        shape.height > 65535 || shape.chroma_format < 0 || shape.chroma_format > 3 ||
        shape.depth < 8 || shape.depth > 14)
        throw std::invalid_argument("the picture shape is outside what HEVC allows");
    if (size > static_cast<size_t>(std::numeric_limits<int>::max()))
        throw std::invalid_argument("the stream must be shorter than 2 GiB");

    HevcDecoded result;
    // Declared before the decoder: freeing the decoder calls release().
    FilledMemory memory = {shape, options.fill};
    de265_image_allocation allocation = {FilledMemory::get, FilledMemory::release};
    std::unique_ptr<de265_decoder_context, de265_error (*)(de265_decoder_context*)>
        decoder(de265_new_decoder(), de265_free_decoder);
    if (!decoder)
        throw std::bad_alloc();
    de265_set_verbosity(0);
    de265_set_parameter_bool(decoder.get(), DE265_DECODER_PARAM_BOOL_SEI_CHECK_HASH, 0);
    de265_set_parameter_bool(
        decoder.get(), DE265_DECODER_PARAM_DISABLE_SAO, !options.loop_filters);
    de265_set_parameter_bool(
        decoder.get(), DE265_DECODER_PARAM_DISABLE_DEBLOCKING, !options.loop_filters);
    if (options.fill >= 0)
        de265_set_image_allocation_functions(decoder.get(), &allocation, &memory);

    if (de265_push_data(decoder.get(), stream, static_cast<int>(size), 0, nullptr) !=
        DE265_OK)
        ++result.warnings;
    if (de265_flush_data(decoder.get()) != DE265_OK)
        ++result.warnings;
    int more = 1;
    while (more) {
        const de265_error error = de265_decode(decoder.get(), &more);
        result.warnings += drain_warnings(decoder.get());
        if (const de265_image* image = de265_get_next_picture(decoder.get())) {
            result.complete = has_shape(image, shape);
            for (int c = 0; result.complete && c < plane_count(shape); ++c)
                result.planes[c] = copy_plane(image, shape, c);
            break;
        }
        if (error == DE265_ERROR_WAITING_FOR_INPUT_DATA)
            break;
        if (error != DE265_OK) {
            ++result.warnings;
            break;
        }
    }
    return result;
}

} // namespace scsc
