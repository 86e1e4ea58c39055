/* Pillow's antialiased bilinear resize of 8-bit RGB, for the part of the result that a crop keeps. Bit for bit:
 * coefficients in double from whole-picture coordinates, rounded to 22 bits, and 8-bit values between the two passes.
 *
 * crop_resized(source, height, width, out, resized_height, resized_width, top, left, crop, vertical_first)
 * source  bytes-like, height * width * 3, rows without gaps;  out  writable, crop * crop * 3
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
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

typedef int32_t eight __attribute__((vector_size(32)));
typedef uint8_t eight8 __attribute__((vector_size(8)));

/* Every output place reads `taps` input places, weights of zero among them: loops of one length are predicted. */
typedef struct {
    int taps;
    int room; /* weights from one output place to the next */
    int *first;
    int32_t *weight;
} Filter;

static void filter_free(Filter *f) {
    free(f->first);
    free(f->weight);
}

/* The filter of output places start .. start+n-1 of a resize from `in` to `out` places. */
static int filter_make(Filter *f, int in, int out, int start, int n) {
    double scale = (double)in / out, stretch = scale < 1.0 ? 1.0 : scale, inverse = 1.0 / stretch;
    f->room = (int)ceil(stretch) * 2 + 1;
    f->taps = 0;
    f->first = malloc(n * sizeof(int));
    f->weight = calloc((size_t)n * f->room, sizeof(int32_t));
    double *raw = malloc(f->room * sizeof(double));
    if (!f->first || !f->weight || !raw) {
        free(raw);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        int32_t *weight = f->weight + (size_t)i * f->room;
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
            weight[x] = (int32_t)(0.5 + (sum != 0.0 ? raw[x] / sum : raw[x]) * (1 << BITS));
        f->first[i] = low;
        f->taps = high - low > f->taps ? high - low : f->taps;
    }
    for (int i = 0; i < n; i++) { /* at the far edge: start earlier, with weights of zero */
        int32_t *weight = f->weight + (size_t)i * f->room;
        int over = f->first[i] + f->taps - in;
        if (over > 0) {
            memmove(weight + over, weight, (f->room - over) * sizeof(int32_t));
            memset(weight, 0, over * sizeof(int32_t));
            f->first[i] -= over;
        }
    }
    free(raw);
    return 1;
}

static inline uint8_t level(int32_t sum) {
    sum >>= BITS; /* weights are not negative and sum to about 1: only the upper end can be passed */
    return sum > 255 ? 255 : (uint8_t)sum;
}

static inline eight two(const uint8_t *upper, const uint8_t *lower) {
    uint64_t both = 0;
    memcpy(&both, upper, 4);
    memcpy((uint8_t *)&both + 4, lower, 4);
    eight8 bytes;
    memcpy(&bytes, &both, 8);
    return __builtin_convertvector(bytes, eight);
}

/* Rows of RGB, resized along the row, two rows at a time (an odd last one twice). A pixel is read with the byte behind it:
 * one byte beyond the last row must be readable. */
WIDE static void across(const uint8_t *source, size_t stride, int rows, const Filter *f, int n, uint8_t *out) {
    const int taps = f->taps;
    for (int y = 0; y < rows; y += 2) {
        const uint8_t *upper = source + stride * y, *lower = y + 1 < rows ? upper + stride : upper;
        uint8_t *to = out + (size_t)3 * n * y, *next = y + 1 < rows ? to + 3 * (size_t)n : to;
        for (int i = 0; i < n; i++, to += 3, next += 3) {
            const int32_t *weight = f->weight + (size_t)i * f->room;
            size_t at = 3 * (size_t)f->first[i];
            eight sum = {HALF, HALF, HALF, HALF, HALF, HALF, HALF, HALF};
            for (int x = 0; x < taps; x++, at += 3)
                sum += two(upper + at, lower + at) * weight[x];
            for (int c = 0; c < 3; c++) {
                to[c] = level(sum[c]);
                next[c] = level(sum[c + 4]);
            }
        }
    }
}

/* Rows of bytes, resized down the columns. `sum` is room for one row. */
WIDE static void down(const uint8_t *source, size_t stride, int bytes, const Filter *f, int n, uint8_t *out, int32_t *sum) {
    for (int i = 0; i < n; i++, out += bytes) {
        const int32_t *weight = f->weight + (size_t)i * f->room;
        const uint8_t *row = source + stride * f->first[i];
        for (int x = 0; x < bytes; x++)
            sum[x] = HALF + row[x] * weight[0];
        for (int t = 1; t < f->taps; t++) {
            row += stride;
            int32_t w = weight[t];
            for (int x = 0; x < bytes; x++)
                sum[x] += row[x] * w;
        }
        for (int x = 0; x < bytes; x++)
            out[x] = level(sum[x]);
    }
}

static int resize(const uint8_t *source, int height, int width, uint8_t *out, int tall, int wide, int top, int left, int crop, int down_first) {
    Filter h = {0}, v = {0};
    uint8_t *between = NULL, *copy = NULL;
    int32_t *sum = NULL;
    int done = 0;
    if (!filter_make(&h, width, wide, left, crop) || !filter_make(&v, height, tall, top, crop))
        goto end;
    int x0 = width, x1 = 0, y0 = height, y1 = 0; /* what is read at all */
    for (int i = 0; i < crop; i++) {
        x0 = h.first[i] < x0 ? h.first[i] : x0;
        y0 = v.first[i] < y0 ? v.first[i] : y0;
        x1 = h.first[i] + h.taps > x1 ? h.first[i] + h.taps : x1;
        y1 = v.first[i] + v.taps > y1 ? v.first[i] + v.taps : y1;
    }
    for (int i = 0; i < crop; i++) {
        v.first[i] -= y0;
        h.first[i] -= x0;
    }
    size_t stride = 3 * (size_t)width, columns = down_first ? x1 - x0 : crop, rows = down_first ? crop : y1 - y0;
    const uint8_t *from = source + y0 * stride + 3 * (size_t)x0;
    between = malloc(columns * rows * 3 + 1);
    sum = malloc(columns * 3 * sizeof(int32_t));
    if (!between || !sum)
        goto end;
    if (down_first) {
        down(from, stride, 3 * (int)columns, &v, crop, between, sum);
        across(between, 3 * columns, crop, &h, crop, out);
    } else {
        int safe = (int)rows; /* the picture's last row has no byte behind it: it goes through a copy that has */
        if (y1 == height) {
            safe -= 1;
            copy = malloc(stride + 1);
            if (!copy)
                goto end;
            memcpy(copy, source + stride * (height - 1), stride);
            across(copy + 3 * (size_t)x0, stride, 1, &h, crop, between + (size_t)3 * crop * safe);
        }
        across(from, stride, safe, &h, crop, between);
        down(between, 3 * columns, 3 * crop, &v, crop, out, sum);
    }
    done = 1;
end:
    filter_free(&h);
    filter_free(&v);
    free(between);
    free(copy);
    free(sum);
    return done;
}

static PyObject *crop_resized(PyObject *self, PyObject *args) {
    Py_buffer source, out;
    int height, width, tall, wide, top, left, crop, down_first, done = 0;
    if (!PyArg_ParseTuple(args, "y*iiw*iiiiip", &source, &height, &width, &out, &tall, &wide, &top, &left, &crop, &down_first))
        return NULL;
    if (height < 1 || width < 1 || crop < 1 || top < 0 || left < 0 || tall > 1 << 24 || wide > 1 << 24 || top > tall - crop ||
        left > wide - crop || (int64_t)height * width * 3 != source.len || (int64_t)crop * crop * 3 != out.len)
        PyErr_SetString(PyExc_ValueError, "sizes do not fit the buffers");
    else {
        Py_BEGIN_ALLOW_THREADS
        done = resize(source.buf, height, width, out.buf, tall, wide, top, left, crop, down_first);
        Py_END_ALLOW_THREADS
        if (!done)
            PyErr_NoMemory();
    }
    PyBuffer_Release(&source);
    PyBuffer_Release(&out);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"crop_resized", crop_resized, METH_VARARGS, "Resize and crop 8-bit RGB as Pillow does."}, {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_resample", "Pillow's bilinear resize, for what a crop keeps.", 0, methods};
PyMODINIT_FUNC PyInit__resample(void) { return PyModule_Create(&module); }
