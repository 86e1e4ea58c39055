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
WIDE static void across(const uint8_t *source, size_t stride, int rows, const Filter *f, int n, uint8_t *out, const uint8_t *last) {
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

static int resize(const uint8_t *source, int height, int width, uint8_t *out, int tall, int wide, int top, int left, int crop, int down_first) {
    Filter h = {0}, v = {0};
    uint8_t *between = NULL;
    int32_t *sum = NULL;
    int done = 0;
    if (!filter_make(&h, width, wide, left, crop) || !filter_make(&v, height, tall, top, crop))
        goto end;
    int x0 = h.first[0], x1 = h.first[crop - 1] + h.count[crop - 1]; /* what is read at all */
    int y0 = v.first[0], y1 = v.first[crop - 1] + v.count[crop - 1];
    for (int i = 0; i < crop; i++) {
        v.first[i] -= y0;
        h.first[i] -= x0;
    }
    size_t stride = 3 * (size_t)width, columns = down_first ? x1 - x0 : crop, rows = down_first ? crop : y1 - y0;
    const uint8_t *from = source + y0 * stride + 3 * (size_t)x0;
    between = malloc(columns * rows * 3);
    sum = malloc(columns * 3 * sizeof(int32_t));
    if (!between || !sum)
        goto end;
    if (down_first) {
        down(from, stride, 3 * (int)columns, &v, crop, between, sum);
        across(between, 3 * columns, crop, &h, crop, out, between + columns * rows * 3 - 4);
    } else {
        across(from, stride, (int)rows, &h, crop, between, source + stride * height - 4);
        down(between, 3 * columns, 3 * crop, &v, crop, out, sum);
    }
    done = 1;
end:
    filter_free(&h);
    filter_free(&v);
    free(between);
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
