# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where message ports and metadata keys of the GNU Radio blocks are spelled.

Every port carries PDUs ``(dict . vector)`` named after their content; `STATUS`, `COMMAND`,
`SOUNDING`, `CREDIT` and `SLOT` carry plain dicts. The shape of a vector always travels in the dict.

| port | vector | shape keys |
|---|---|---|
| image, result | u8 | height, width, channels |
| bytes | u8, packed transport payload (header + compressed image + CRC) | - |
| bits, codeword | u8, one coded bit each | - |
| symbols, combined | c32, C order | n_tx, k |
| received | c32, C order | n_rx, k |
| csi, csi_true | c64, C order | n_blocks, n_rx, n_tx |
| labels, truth | u8 class ids, 255 where none | height, width |
| overlay | u8 | height, width, channels |
| frames | f32 LLRs at the symbol level, positive means bit 0 | - |
| outgoing | u8, bits of the frame header | - |
| burst | c32, C order | n_tx, n_samples |
| heard | c32, H of every used carrier, C order | n_used, n_rx, n_tx |
| feedback | u8, a message of the receiver to the transmitter | - |

Two choices are made here for correctness at no cost in speed: LLRs of the symbol-level link stay
float32 (the decoder quantises them itself), and channel matrices stay complex128, so that both ends
build bit-identical transmit tables and a flowgraph gives the very numbers that `SymbolLink` gives.
"""

# Message ports ------------------------------------------------------------------------------------
IMAGE = "image"
BYTES = "bytes"
BITS = "bits"
CODEWORD = "codeword"
SYMBOLS = "symbols"
RECEIVED = "received"
COMBINED = "combined"
FRAMES = "frames"
CSI = "csi"
CSI_TRUE = "csi_true"
SOUNDING = "sounding"
RESULT = "result"
SENT = "sent"
METRICS = "metrics"
STATUS = "status"
COMMAND = "cmd"
CREDIT = "credit"
LABELS = "labels"
TRUTH = "truth"
OVERLAY = "overlay"
SCORES = "scores"
OUTGOING = "outgoing"
BURST = "burst"
SLOT = "slot"
HEARD = "heard"
FEEDBACK = "feedback"

# Keys of every PDU --------------------------------------------------------------------------------
IMAGE_ID = "image_id"  # 0..255, wraps
FRAME = "frame"  # 0..1022, wraps; the link matches what belongs together by it
N_FRAMES = "n_frames"  # frames of this run, 0 when unlimited
LAST = "last"  # bool, nothing follows
SEED = "seed"

# image, result
HEIGHT = "height"
WIDTH = "width"
CHANNELS = "channels"
NAME = "name"
DELIVERED = "delivered"
CRC_OK = "crc_ok"
PROBLEM = "problem"

# bytes, bits
CODEC = "codec"
QP = "qp"
N_BYTES = "n_bytes"  # of the compressed picture alone
OVER_BUDGET = "over_budget"  # the rate target could not be met
N_BITS = "n_bits"
N_INFO = "n_info"  # payload bits handed to the channel code
FEC = "fec"
CODE_RATE = "code_rate"
RV = "rv"
MODULATION = "modulation"
INTERLEAVER = "interleaver"
BLOCK_BITS = "block_bits"  # s32vector, coded bits of each code block
BLOCK_ERRORS = "block_errors"
N_CODE_BLOCKS = "n_code_blocks"
ITERATIONS = "iterations"
VALID_BYTES = "valid_bytes"  # in front of the first failed code block

# image behind PPEN: with `ppen` and without `ppen_qp` it is still to be prepared, by the encoder
PPEN = "ppen"  # name of the model
PPEN_QP = "ppen_qp"  # quality that the model was told, on the codec's scale

# symbols, received, frames, csi
K = "k"
N_TX = "n_tx"
N_RX = "n_rx"
N_STREAMS = "n_streams"
N_BLOCKS = "n_blocks"
BLOCK_USES = "block_uses"  # s32vector, channel uses of each fading block
PRECODER = "precoder"
DETECTOR = "detector"
CSI_ID = "csi_id"
CSI_ERROR = "csi_error"
H = "h"
NOISE_VAR = "noise_var"
SNR_DB = "snr_db"
SNR_DEF = "snr_def"
CHANNEL = "channel"
FADING = "fading"

# metrics
PSNR_DB = "psnr_db"
MS_SSIM = "ms_ssim"
CBR_K = "cbr_k"
CBR_L = "cbr_l"
COMPARED = "compared"
DELIVERED_SHARE = "delivered_share"
MEAN_PSNR_DB = "mean_psnr_db"
CODED_BIT_ERROR_RATE = "coded_bit_error_rate"

# labels, overlay, scores
TASK = "task"  # name of the task model
CLASS_NAMES = "class_names"  # in order of the ids, separated by commas
CLASS_SHARES = "class_shares"  # f64vector, share of the picture's pixels
CLASS_IOU = "class_iou"  # f64vector, nan for a class that neither has
PALETTE = "palette"  # u8vector, R G B of each class
MIOU = "miou"
PIXEL_ACCURACY = "pixel_accuracy"
MEAN_MIOU = "mean_miou"  # of the confusion summed over the last pictures
DELIVERED_MIOU = "delivered_miou"  # the same over the delivered ones among them

# outgoing, burst, slot, heard
HEADER = "header"  # u8vector, bits of the frame header
FRAME_TYPE = "frame_type"  # sounding, data, feedback, end
NSYM = "nsym"
INDEX = "index"  # s32vector, rows of the transmit table
TABLES = "tables"  # c64vector [n_tables, rows, n_tx]
N_TABLES = "n_tables"
N_SAMPLES = "n_samples"
TIME_S = "time_s"  # of the transmitter's stream
SAMPLE_INDEX = "sample_index"
BLOCK = "block"  # number of a block of the radio channel
GRANTED = "granted"  # bursts since the start that may have been sent
N_USED = "n_used"  # used carriers
Y = "y"  # c32vector [n_data, n_rx, nsym], received carriers in link units
EVM_DB = "evm_db"  # f64vector, of each transmit antenna
CFO_HZ = "cfo_hz"
TRUSTED = "trusted"  # share of a picture's pixels that depend on nothing that was lost

TIME_PREFIX = "time_"  # time_<stage>_ms: what a stage spent on this frame


def time_key(stage: str) -> str:
    """The key under which a stage reports its milliseconds, `time_key("detector")`."""
    return f"{TIME_PREFIX}{stage}_ms"


SHAPES = {
    IMAGE: (HEIGHT, WIDTH, CHANNELS),
    RESULT: (HEIGHT, WIDTH, CHANNELS),
    SENT: (HEIGHT, WIDTH, CHANNELS),
    BYTES: (),
    BITS: (),
    CODEWORD: (),
    SYMBOLS: (N_TX, K),
    COMBINED: (N_TX, K),
    RECEIVED: (N_RX, K),
    FRAMES: (),
    LABELS: (HEIGHT, WIDTH),
    TRUTH: (HEIGHT, WIDTH),
    OVERLAY: (HEIGHT, WIDTH, CHANNELS),
    CSI: (N_BLOCKS, N_RX, N_TX),
    CSI_TRUE: (N_BLOCKS, N_RX, N_TX),
    OUTGOING: (),
    BURST: (N_TX, N_SAMPLES),
    HEARD: (N_USED, N_RX, N_TX),
    FEEDBACK: (),
}
DTYPES = {
    IMAGE: "uint8",
    RESULT: "uint8",
    SENT: "uint8",
    BYTES: "uint8",
    BITS: "uint8",
    CODEWORD: "uint8",
    SYMBOLS: "complex64",
    COMBINED: "complex64",
    RECEIVED: "complex64",
    FRAMES: "float32",
    LABELS: "uint8",
    TRUTH: "uint8",
    OVERLAY: "uint8",
    CSI: "complex128",
    CSI_TRUE: "complex128",
    OUTGOING: "uint8",
    BURST: "complex64",
    HEARD: "complex64",
    FEEDBACK: "uint8",
}
MAX_FRAME = 1023
MAX_IMAGE_ID = 256
