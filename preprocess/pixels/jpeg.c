/* Decode the part of a JPEG that a crop reads, with the very libjpeg that Pillow has loaded: the same code gives the same levels.
 *
 * bind(path)                                          path of PIL._imaging: its libjpeg's functions are looked up. OSError without
 * size(data) -> (width, height, scans)                of a JPEG that `part` takes: 8 bits, Gray, YCbCr or RGB. ValueError else.
 *                                                     scans: whether there may be more than one
 * part(data, out, left, top, right, bottom)           out: writable, (bottom - top, right - left, 3) uint8, RGB
 *
 * ValueError for all that libjpeg so much as warns of, wherever in the file: what is not decoded is still read. Columns and rows
 * outside the part are neither transformed nor coloured, which saves memory and a little time; the Huffman code is most of it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "jpeg62.h"

#define MARGIN 16 /* columns: smoothing of coarser colours looks one aside, and a crop's edge has none there */
#define ROWS 4

static struct {
    JpegErrors *(*std_error)(JpegErrors *);
    void (*create)(Jpeg *, int version, size_t size);
    void (*mem_src)(Jpeg *, const unsigned char *, unsigned long);
    int (*read_header)(Jpeg *, int require_image);
    int (*has_scans)(Jpeg *);
    int (*start)(Jpeg *);
    void (*crop)(Jpeg *, unsigned *left, unsigned *width);
    unsigned (*skip)(Jpeg *, unsigned rows);
    unsigned (*read)(Jpeg *, uint8_t **rows, unsigned count);
    int (*finish)(Jpeg *);
    void (*destroy)(Jpeg *);
} lib;

typedef struct {
    JpegErrors errors; /* first: libjpeg hands its address back */
    jmp_buf back;
    char says[200];
    Jpeg jpeg;
    uint8_t *scratch;
} Decoder;

static void fail(Jpeg *jpeg) {
    Decoder *decoder = (Decoder *)jpeg->err;
    jpeg->err->format_message(jpeg, decoder->says);
    longjmp(decoder->back, 1);
}

static void warned(Jpeg *jpeg, int level) {
    if (level < 0)
        fail(jpeg);
}

static void refuse(Decoder *decoder, const char *why) {
    strcpy(decoder->says, why);
    longjmp(decoder->back, 1);
}

/* After setjmp: read the header of a picture that is plain enough. */
static void begin(Decoder *d, const Py_buffer *data) {
    lib.create(&d->jpeg, JPEG_VERSION, sizeof d->jpeg);
    lib.mem_src(&d->jpeg, data->buf, data->len);
    lib.read_header(&d->jpeg, 1);
    int space = d->jpeg.jpeg_color_space, components = d->jpeg.num_components;
    if (d->jpeg.data_precision != 8 || d->jpeg.arith_code ||
        !((space == SPACE_GRAY && components == 1) || ((space == SPACE_RGB || space == SPACE_YCC) && components == 3)))
        refuse(d, "not plain");
}

static void decode(Decoder *d, uint8_t *out, unsigned left, unsigned top, unsigned right, unsigned bottom) {
    Jpeg *jpeg = &d->jpeg;
    if (left >= right || top >= bottom || right > jpeg->image_width || bottom > jpeg->image_height)
        refuse(d, "the part lies outside the picture");
    jpeg->out_color_space = SPACE_RGB;
    lib.start(jpeg);
    unsigned from = 0, width = jpeg->output_width;
    if (!jpeg->progressive_mode) { /* an incomplete progression is smoothed over neighbours: those need all */
        from = left > MARGIN ? left - MARGIN : 0;
        width = (right + MARGIN < width ? right + MARGIN : width) - from;
        if (width != jpeg->output_width)
            lib.crop(jpeg, &from, &width); /* moves `from` left to where blocks begin */
        if (top)
            lib.skip(jpeg, top);
    }
    size_t line = 3 * (size_t)width, kept = 3 * (size_t)(right - left);
    int direct = line == kept && jpeg->output_scanline == top; /* the lines are the part's own */
    if (!direct && !(d->scratch = malloc(ROWS * line)))
        refuse(d, "no memory");
    while (jpeg->output_scanline < bottom) {
        unsigned at = jpeg->output_scanline, most = bottom - at < ROWS ? bottom - at : ROWS;
        uint8_t *rows[ROWS];
        for (unsigned i = 0; i < most; i++)
            rows[i] = direct ? out + (at + i - top) * line : d->scratch + i * line;
        unsigned got = lib.read(jpeg, rows, most);
        for (unsigned i = 0; !direct && i < got; i++)
            if (at + i >= top)
                memcpy(out + (at + i - top) * kept, rows[i] + 3 * (size_t)(left - from), kept);
    }
    if (bottom < jpeg->output_height) { /* skipping to the very end would not read what is there: the last row is decoded */
        if (bottom + 1 < jpeg->output_height)
            lib.skip(jpeg, jpeg->output_height - bottom - 1);
        if (!d->scratch && !(d->scratch = malloc(line)))
            refuse(d, "no memory");
        while (jpeg->output_scanline < jpeg->output_height)
            lib.read(jpeg, &d->scratch, 1);
    }
    lib.finish(jpeg);
}

/* size[3] where out is NULL; else the part. 0 and d->says where that failed. */
static int run(Decoder *d, const Py_buffer *data, unsigned *size, uint8_t *out, const unsigned *box) {
    memset(d, 0, sizeof *d);
    d->jpeg.err = lib.std_error(&d->errors);
    d->errors.error_exit = fail;
    d->errors.emit_message = warned;
    int good = 0;
    if (!setjmp(d->back)) {
        begin(d, data);
        if (out)
            decode(d, out, box[0], box[1], box[2], box[3]);
        else {
            size[0] = d->jpeg.image_width;
            size[1] = d->jpeg.image_height;
            size[2] = lib.has_scans(&d->jpeg);
        }
        good = 1;
    }
    lib.destroy(&d->jpeg);
    free(d->scratch);
    return good;
}

static PyObject *answer(int good, const Decoder *d, PyObject *value) {
    if (!good)
        PyErr_SetString(PyExc_ValueError, d->says);
    return good ? value : NULL;
}

static int ready(const Py_buffer *data) {
    if (!lib.std_error)
        PyErr_SetString(PyExc_RuntimeError, "bind() has found no libjpeg");
    else if (data->len < 4)
        PyErr_SetString(PyExc_ValueError, "no JPEG");
    return lib.std_error && data->len >= 4;
}

static PyObject *size(PyObject *self, PyObject *args) {
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "y*", &data))
        return NULL;
    Decoder d;
    unsigned found[3];
    PyObject *value = NULL;
    if (ready(&data) && answer(run(&d, &data, found, NULL, NULL), &d, Py_None))
        value = Py_BuildValue("IIO", found[0], found[1], found[2] ? Py_True : Py_False);
    PyBuffer_Release(&data);
    return value;
}

static PyObject *part(PyObject *self, PyObject *args) {
    Py_buffer data, out;
    unsigned box[4];
    if (!PyArg_ParseTuple(args, "y*w*IIII", &data, &out, &box[0], &box[1], &box[2], &box[3]))
        return NULL;
    PyObject *value = NULL;
    if (ready(&data)) {
        if (box[0] >= box[2] || box[1] >= box[3] || (uint64_t)(box[2] - box[0]) * (box[3] - box[1]) * 3 != (uint64_t)out.len)
            PyErr_SetString(PyExc_ValueError, "the part does not fit the buffer");
        else {
            Decoder d;
            int good;
            Py_BEGIN_ALLOW_THREADS
            good = run(&d, &data, NULL, out.buf, box);
            Py_END_ALLOW_THREADS
            value = Py_XNewRef(answer(good, &d, Py_None));
        }
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&out);
    return value;
}

static PyObject *bind(PyObject *self, PyObject *args) {
    const char *path;
    if (!PyArg_ParseTuple(args, "s", &path))
        return NULL;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* looks into what it depends on, too; never closed */
    if (!handle)
        return PyErr_Format(PyExc_OSError, "%s", dlerror());
    struct {
        const char *name;
        void *at;
    } wanted[] = {{"jpeg_CreateDecompress", &lib.create}, {"jpeg_mem_src", &lib.mem_src}, {"jpeg_read_header", &lib.read_header},
                  {"jpeg_has_multiple_scans", &lib.has_scans},
                  {"jpeg_start_decompress", &lib.start}, {"jpeg_crop_scanline", &lib.crop}, {"jpeg_skip_scanlines", &lib.skip},
                  {"jpeg_read_scanlines", &lib.read}, {"jpeg_finish_decompress", &lib.finish},
                  {"jpeg_destroy_decompress", &lib.destroy}, {"jpeg_std_error", &lib.std_error}};
    lib.std_error = NULL; /* last: it says that all are there */
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *found = dlsym(handle, wanted[i].name);
        if (!found)
            return PyErr_Format(PyExc_OSError, "no %s in what %s depends on", wanted[i].name, path);
        memcpy(wanted[i].at, &found, sizeof found);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"bind", bind, METH_VARARGS, "Find libjpeg among what a shared object depends on."},
                                {"size", size, METH_VARARGS, "(width, height, more than one scan) of a plain JPEG."},
                                {"part", part, METH_VARARGS, "Decode a part of a plain JPEG."},
                                {NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_jpeg", "The part of a JPEG that a crop reads.", 0, methods};
PyMODINIT_FUNC PyInit__jpeg(void) { return PyModule_Create(&module); }
