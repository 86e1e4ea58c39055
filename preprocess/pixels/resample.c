/* Pillow's antialiased bilinear resize of 8-bit RGB, for the part of the result that a crop keeps. Bit for bit:
 * coefficients in double from whole-picture coordinates, rounded to 22 bits, and 8-bit values between the two passes.
 *
 * crop_resized(part, box, size, out, resized_size, corner, crop, vertical_first, portable)
 * part      bytes-like, rows without gaps: what `box` = (left, top, right, bottom) says of a picture of `size` = (width, height);
 *           ValueError where the crop reads more than that
 * out       writable, crop * crop * 3: from `corner` = (left, top) of the picture resized to `resized_size`
 * portable  true: without the instructions of newer processors, for tests
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BITS 22
#define HALF (1 << (BITS - 1))

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define WIDE __attribute__((target_clones("avx2", "default")))
#define WITH_AVX2 1
#else
#define WIDE
#define WITH_AVX2 0
#endif

typedef int32_t four __attribute__((vector_size(16)));
typedef uint8_t four8 __attribute__((vector_size(4)));

typedef struct {
    int room; /* weights from one output place to the next */
    int *first; /* where in the input each output place starts to read */
    int *count;
    int32_t *weight;
} Filter;

static void filter_free(Filter *f) {
    free(f->first);
    free(f->count);
    free(f->weight);
}

/* The filter of output places start .. start+n-1 of a resize from `in` to `out` places. */
static int filter_make(Filter *f, int in, int out, int start, int n) {
    double scale = (double)in / out, stretch = scale < 1.0 ? 1.0 : scale, inverse = 1.0 / stretch;
    f->room = (int)ceil(stretch) * 2 + 1;
    f->first = malloc(n * sizeof(int));
    f->count = malloc(n * sizeof(int));
    f->weight = calloc((size_t)n * f->room, sizeof(int32_t));
    double *raw = malloc(f->room * sizeof(double));
    if (!f->first || !f->count || !f->weight || !raw) {
        free(raw);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        double center = (start + i + 0.5) * scale, sum = 0.0;
        int low = (int)(center - stretch + 0.5), high = (int)(center + stretch + 0.5);
        low = low < 0 ? 0 : low;
        high = high > in ? in : high;
        for (int x = 0; x < high - low; x++) {
            double distance = fabs((x + low - center + 0.5) * inverse);
            raw[x] = distance < 1.0 ? 1.0 - distance : 0.0;
            sum += raw[x];
        }
        for (int x = 0; x < high - low; x++)
            f->weight[i * f->room + x] = (int32_t)(0.5 + (sum != 0.0 ? raw[x] / sum : raw[x]) * (1 << BITS));
        f->first[i] = low;
        f->count[i] = high - low;
    }
    free(raw);
    return 1;
}

static inline uint8_t level(int32_t sum) {
    sum >>= BITS; /* weights are not negative and sum to about 1: only the upper end can be passed */
    return sum > 255 ? 255 : (uint8_t)sum;
}

/* Rows of RGB, resized along the row. Four bytes are read for a pixel: `last` is the last place that may be read so. */
WIDE static void across_portable(const uint8_t *source, size_t stride, int rows, const Filter *f, int n, uint8_t *out, const uint8_t *last) {
    for (int y = 0; y < rows; y++, source += stride)
        for (int i = 0; i < n; i++, out += 3) {
            const int32_t *weight = f->weight + (size_t)i * f->room;
            const uint8_t *pixel = source + 3 * (size_t)f->first[i];
            four sum = {HALF, HALF, HALF, HALF};
            for (int x = 0; x < f->count[i]; x++, pixel += 3) {
                four8 rgb_;
                if (pixel <= last)
                    memcpy(&rgb_, pixel, 4);
                else
                    rgb_ = (four8){pixel[0], pixel[1], pixel[2], 0};
                sum += __builtin_convertvector(rgb_, four) * weight[x];
            }
            out[0] = level(sum[0]);
            out[1] = level(sum[1]);
            out[2] = level(sum[2]);
        }
}

#if WITH_AVX2
#define GROUP 4 /* pixels weighed at once */
#define LOW 11  /* bits: a weight is high * 2048 + low, either fits 16 bits, so that the sum stays exact */

/* The weights of a filter as across_avx2 reads them: for each output place and group of four pixels two rows of 16, the low and the
 * high parts; in a row pairs for red, green, blue and nothing, of pixels 0 and 1, then of 2 and 3. Beyond `count` they are 0. */
static int16_t *grouped(const Filter *f, int n, int groups) {
    int16_t *out = aligned_alloc(32, (size_t)n * groups * 64);
    for (int i = 0; out && i < n; i++)
        for (int at = 0; at < groups * GROUP; at++) {
            int32_t weight = at < f->count[i] ? f->weight[(size_t)i * f->room + at] : 0;
            int16_t *row = out + ((size_t)i * groups + at / GROUP) * 32 + at % GROUP / 2 * 8 + at % 2;
            for (int channel = 0; channel < 4; channel++) {
                row[2 * channel] = weight & ((1 << LOW) - 1);
                row[16 + 2 * channel] = weight >> LOW;
            }
        }
    return out;
}

/* One row. 16 bytes are read from each group of pixels on, and 4 are written for each output place but the last. */
__attribute__((target("avx2"))) static void row_avx2(const uint8_t *source, const Filter *f, const int16_t *weights, int groups, int n, uint8_t *out) {
    const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,
                                            6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    for (int i = 0; i < n; i++, out += 3) {
        const __m256i *weight = (const __m256i *)(weights + (size_t)i * groups * 32);
        const uint8_t *pixel = source + 3 * (size_t)f->first[i];
        __m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
        for (int group = (f->count[i] + GROUP - 1) / GROUP; group; group--, pixel += 3 * GROUP, weight += 2) {
            __m256i pairs = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)pixel)), spread);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(pairs, weight[0]));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(pairs, weight[1]));
        }
        __m256i both = _mm256_add_epi32(low, _mm256_slli_epi32(high, LOW));
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
        sum = _mm_srai_epi32(_mm_add_epi32(sum, _mm_set1_epi32(HALF)), BITS);
        sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
        int32_t rgb_ = _mm_cvtsi128_si32(sum);
        memcpy(out, &rgb_, i < n - 1 ? 4 : 3); /* the fourth byte is written over by the next place */
    }
}

/* As across_portable. 0 where there is no memory. */
static int across_avx2(const uint8_t *source, size_t stride, int rows, const Filter *f, int n, uint8_t *out, const uint8_t *end) {
    int most = 0, done = 0;
    for (int i = 0; i < n; i++)
        most = f->count[i] > most ? f->count[i] : most;
    int groups = (most + GROUP - 1) / GROUP;
    size_t reach = 0;
    for (int i = 0; i < n; i++) {
        size_t reads = 3 * (size_t)(f->first[i] + (f->count[i] + GROUP - 1) / GROUP * GROUP) + 4;
        reach = reads > reach ? reads : reach;
    }
    int16_t *weights = grouped(f, n, groups);
    uint8_t *copy = calloc(reach, 1); /* of a row so near the end of the buffer that reading 16 bytes would leave it */
    for (int y = 0; weights && copy && y < rows; y++, source += stride, out += 3 * n) {
        int inside = reach <= (size_t)(end - source);
        if (!inside)
            memcpy(copy, source, end - source);
        row_avx2(inside ? source : copy, f, weights, groups, n, out);
    }
    done = weights && copy;
    free(weights);
    free(copy);
    return done;
}
#endif

/* Rows of RGB, resized along the row; `end` is that of the buffer they lie in. 0 where there is no memory. */
static int across(const uint8_t *source, size_t stride, int rows, const Filter *f, int n, uint8_t *out, const uint8_t *end, int portable) {
#if WITH_AVX2
    if (!portable && __builtin_cpu_supports("avx2"))
        return across_avx2(source, stride, rows, f, n, out, end);
#endif
    across_portable(source, stride, rows, f, n, out, end - 4);
    return 1;
}

/* Rows of bytes, resized down the columns. `sum` is room for one row. */
WIDE static void down(const uint8_t *source, size_t stride, int bytes, const Filter *f, int n, uint8_t *out, int32_t *sum) {
    for (int i = 0; i < n; i++, out += bytes) {
        const int32_t *weight = f->weight + (size_t)i * f->room;
        const uint8_t *row = source + stride * f->first[i];
        for (int x = 0; x < bytes; x++)
            sum[x] = HALF + row[x] * weight[0];
        for (int t = 1; t < f->count[i]; t++) {
            row += stride;
            int32_t w = weight[t];
            for (int x = 0; x < bytes; x++)
                sum[x] += row[x] * w;
        }
        for (int x = 0; x < bytes; x++)
            out[x] = level(sum[x]);
    }
}

typedef struct {
    int width, height;
} Size;

typedef struct {
    int left, top, right, bottom;
} Box;

enum { DONE, NO_MEMORY, NOT_ALL_THERE };

static int resize(const uint8_t *part, Box box, Size size, uint8_t *out, Size resized, int left, int top, int crop, int down_first, int portable) {
    Filter h = {0}, v = {0};
    uint8_t *between = NULL;
    int32_t *sum = NULL;
    int result = NO_MEMORY;
    if (!filter_make(&h, size.width, resized.width, left, crop) || !filter_make(&v, size.height, resized.height, top, crop))
        goto end;
    int x0 = h.first[0], x1 = h.first[crop - 1] + h.count[crop - 1]; /* what is read at all */
    int y0 = v.first[0], y1 = v.first[crop - 1] + v.count[crop - 1];
    result = NOT_ALL_THERE;
    if (x0 < box.left || y0 < box.top || x1 > box.right || y1 > box.bottom)
        goto end;
    result = NO_MEMORY;
    for (int i = 0; i < crop; i++) {
        v.first[i] -= y0;
        h.first[i] -= x0;
    }
    size_t stride = 3 * (size_t)(box.right - box.left), columns = down_first ? x1 - x0 : crop, rows = down_first ? crop : y1 - y0;
    const uint8_t *from = part + (y0 - box.top) * stride + 3 * (size_t)(x0 - box.left);
    between = malloc(columns * rows * 3);
    sum = malloc(columns * 3 * sizeof(int32_t));
    if (!between || !sum)
        goto end;
    if (down_first) {
        down(from, stride, 3 * (int)columns, &v, crop, between, sum);
        if (!across(between, 3 * columns, crop, &h, crop, out, between + columns * rows * 3, portable))
            goto end;
    } else {
        if (!across(from, stride, (int)rows, &h, crop, between, part + stride * (box.bottom - box.top), portable))
            goto end;
        down(between, 3 * columns, 3 * crop, &v, crop, out, sum);
    }
    result = DONE;
end:
    filter_free(&h);
    filter_free(&v);
    free(between);
    free(sum);
    return result;
}

static int sensible(const Py_buffer *part, Box b, Size s, const Py_buffer *out, Size r, int left, int top, int crop) {
    return b.left >= 0 && b.top >= 0 && b.left < b.right && b.top < b.bottom && b.right <= s.width && b.bottom <= s.height &&
           (int64_t)(b.right - b.left) * (b.bottom - b.top) * 3 == part->len && crop >= 1 && left >= 0 && top >= 0 &&
           r.width <= 1 << 24 && r.height <= 1 << 24 && left <= r.width - crop && top <= r.height - crop && (int64_t)crop * crop * 3 == out->len;
}

static PyObject *crop_resized(PyObject *self, PyObject *args) {
    Py_buffer part, out;
    Box box;
    Size size, resized;
    int left, top, crop, down_first, portable = 0, result = NOT_ALL_THERE;
    if (!PyArg_ParseTuple(args, "y*(iiii)(ii)w*(ii)(ii)ip|p", &part, &box.left, &box.top, &box.right, &box.bottom, &size.width, &size.height,
                          &out, &resized.width, &resized.height, &left, &top, &crop, &down_first, &portable))
        return NULL;
    if (sensible(&part, box, size, &out, resized, left, top, crop)) {
        Py_BEGIN_ALLOW_THREADS
        result = resize(part.buf, box, size, out.buf, resized, left, top, crop, down_first, portable);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&part);
    PyBuffer_Release(&out);
    if (result == NO_MEMORY)
        return PyErr_NoMemory();
    if (result == NOT_ALL_THERE) {
        PyErr_SetString(PyExc_ValueError, "sizes do not fit the buffers, or the crop reads more than the part");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"crop_resized", crop_resized, METH_VARARGS, "Resize and crop 8-bit RGB as Pillow does."}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_resample", "Pillow's bilinear resize, for what a crop keeps.", 0, methods};
PyMODINIT_FUNC PyInit__resample(void) { return PyModule_Create(&module); }
