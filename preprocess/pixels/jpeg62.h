/* What jpeg.c uses of libjpeg's binary interface, version 6.2: that of IJG's release 6b, which libjpeg-turbo keeps (libjpeg.so.62).
 *
 * Declared here, since the library is found at run time and its headers need not be installed. The layout is checked twice:
 * jpeg_CreateDecompress refuses a struct of another size or version, and a test compares it with jpeglib.h where that is there.
 */
#ifndef JPEG62_H
#define JPEG62_H

#include <stddef.h>
#include <stdint.h>

#define JPEG_VERSION 62

enum { SPACE_GRAY = 1, SPACE_RGB = 2, SPACE_YCC = 3 }; /* J_COLOR_SPACE */

typedef struct Jpeg Jpeg;

typedef struct JpegErrors {
    void (*error_exit)(Jpeg *); /* must not return */
    void (*emit_message)(Jpeg *, int level); /* level -1: a warning */
    void (*output_message)(Jpeg *);
    void (*format_message)(Jpeg *, char *);
    void (*reset_error_mgr)(Jpeg *);
    int msg_code;
    union {
        int i[8];
        char s[80];
    } msg_parm;
    int trace_level;
    long num_warnings;
    const char *const *message_table;
    int last_message;
    const char *const *addon_table;
    int first_addon, last_addon;
} JpegErrors;

struct Jpeg { /* jpeg_decompress_struct */
    JpegErrors *err;
    void *mem, *progress, *client_data;
    int is_decompressor, global_state;
    void *src;
    unsigned image_width, image_height;
    int num_components, jpeg_color_space;
    int out_color_space;
    unsigned scale_num, scale_denom;
    double output_gamma;
    int buffered_image, raw_data_out, dct_method, do_fancy_upsampling, do_block_smoothing;
    int quantize_colors, dither_mode, two_pass_quantize, desired_number_of_colors;
    int enable_1pass_quant, enable_external_quant, enable_2pass_quant;
    unsigned output_width, output_height;
    int out_color_components, output_components, rec_outbuf_height, actual_number_of_colors;
    uint8_t **colormap;
    unsigned output_scanline;
    int input_scan_number;
    unsigned input_imcu_row;
    int output_scan_number;
    unsigned output_imcu_row;
    int (*coef_bits)[64];
    void *quant_tables[4], *dc_tables[4], *ac_tables[4];
    int data_precision;
    void *components;
    int progressive_mode, arith_code;
    uint8_t arith_dc_l[16], arith_dc_u[16], arith_ac_k[16];
    unsigned restart_interval;
    int saw_jfif;
    uint8_t jfif_major, jfif_minor, density_unit;
    uint16_t x_density, y_density;
    int saw_adobe;
    uint8_t adobe_transform;
    int ccir601_sampling;
    void *marker_list;
    int max_h_samp_factor, max_v_samp_factor, min_dct_scaled_size;
    unsigned total_imcu_rows;
    void *sample_range_limit;
    int comps_in_scan;
    void *current_components[4];
    unsigned mcus_per_row, mcu_rows_in_scan;
    int blocks_in_mcu, mcu_membership[10];
    int ss, se, ah, al;
    int unread_marker;
    void *modules[11]; /* master, main, coef, post, inputctl, marker, entropy, idct, upsample, cconvert, cquantize */
};

#endif
