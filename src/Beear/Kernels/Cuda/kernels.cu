// The kernels of CUDA tensors, compiled for the device at hand when the first of them is met. No header is needed.
// float32 throughout; bfloat16 is read and written, rounded to nearest even. Every row's width is a multiple of four.

typedef unsigned int u32;
typedef long long i64;

struct bf16 { unsigned short bits; };
struct Four { float v[4]; };

__device__ float widened(unsigned short bits) { return __uint_as_float((u32)bits << 16); }

__device__ unsigned short narrowed(float value)
{
    u32 bits = __float_as_uint(value);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return 0x7FC0;                 // not a number
    return (unsigned short)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

__device__ float load(const float* from) { return *from; }
__device__ float load(const bf16* from) { return widened(from->bits); }
__device__ void store(float* to, float value) { *to = value; }
__device__ void store(bf16* to, float value) { to->bits = narrowed(value); }

__device__ Four load4(const float* from)
{
    float4 all = *(const float4*)from;
    return { { all.x, all.y, all.z, all.w } };
}

__device__ Four load4(const bf16* from)
{
    ushort4 all = *(const ushort4*)from;
    return { { widened(all.x), widened(all.y), widened(all.z), widened(all.w) } };
}

__device__ void store4(float* to, const Four& all)
{
    *(float4*)to = make_float4(all.v[0], all.v[1], all.v[2], all.v[3]);
}

__device__ void store4(bf16* to, const Four& all)
{
    *(ushort4*)to = make_ushort4(narrowed(all.v[0]), narrowed(all.v[1]), narrowed(all.v[2]), narrowed(all.v[3]));
}

// The sum over a block's threads, for all of them. A block has 32 to 1024 threads, a multiple of 32.
template <typename T> __device__ T block_sum(T value)
{
    __shared__ T partial[32];
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, step);
    __syncthreads();
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? partial[threadIdx.x % 32] : T(0);
    for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(0xFFFFFFFF, value, step);
    return value;
}

// y = x · scale · w with scale = 1 / sqrt(mean x² + epsilon); one block for each row.
template <typename T> __device__ void rms_norm(const float* x, const float* w, T* y, float* scales, float epsilon, int width)
{
    x += (i64)blockIdx.x * width;
    y += (i64)blockIdx.x * width;
    float squares = 0;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four value = load4(x + i);
        for (int k = 0; k < 4; k++) squares += value.v[k] * value.v[k];
    }
    float scale = 1 / sqrtf(block_sum(squares) / width + epsilon);
    if (threadIdx.x == 0) scales[blockIdx.x] = scale;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four value = load4(x + i), weight = load4(w + i);
        for (int k = 0; k < 4; k++) value.v[k] *= scale * weight.v[k];
        store4(y + i, value);
    }
}

// dx = scale · (g·w − x · scale² · mean(g·w·x)); one block for each row.
template <typename T> __device__ void rms_norm_hidden(const T* g, const float* x, const float* w, const float* scales, float* dx, int width)
{
    i64 row = (i64)blockIdx.x * width;
    float scale = scales[blockIdx.x], dot = 0;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four gradient = load4(g + row + i), value = load4(x + row + i), weight = load4(w + i);
        for (int k = 0; k < 4; k++) dot += gradient.v[k] * weight.v[k] * value.v[k];
    }
    float pull = -scale * scale * scale * block_sum(dot) / width;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four gradient = load4(g + row + i), value = load4(x + row + i), weight = load4(w + i);
        for (int k = 0; k < 4; k++) value.v[k] = value.v[k] * pull + gradient.v[k] * weight.v[k] * scale;
        store4(dx + row + i, value);
    }
}

// One partial sum of g · x · scale over each chunk of rows; a thread has a column, blockIdx.y the chunk.
template <typename T>
__device__ void rms_norm_weight(const T* g, const float* x, const float* scales, float* sums, i64 rows, int width, int rows_in_chunk)
{
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= width) return;
    i64 start = (i64)blockIdx.y * rows_in_chunk, end = min(start + rows_in_chunk, rows);
    float sum = 0;
    for (i64 row = start; row < end; row++) sum += load(g + row * width + column) * scales[row] * x[row * width + column];
    sums[(i64)blockIdx.y * width + column] = sum;
}

__device__ float sigmoid(float x) { return 1 / (1 + expf(-x)); }

// silu(gate) · up of rows [gate | up]; one block for each row.
template <typename T> __device__ void swiglu(const T* x, T* y, int width)
{
    x += (i64)blockIdx.x * 2 * width;
    y += (i64)blockIdx.x * width;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four gate = load4(x + i), up = load4(x + width + i);
        for (int k = 0; k < 4; k++) gate.v[k] *= sigmoid(gate.v[k]) * up.v[k];
        store4(y + i, gate);
    }
}

// With s = sigmoid(gate): d gate = dy · up · s · (1 + gate · (1 − s)), d up = dy · gate · s.
template <typename T> __device__ void swiglu_back(const T* dy, const T* x, T* dx, int width)
{
    dy += (i64)blockIdx.x * width;
    x += (i64)blockIdx.x * 2 * width;
    dx += (i64)blockIdx.x * 2 * width;
    for (int i = 4 * threadIdx.x; i < width; i += 4 * blockDim.x)
    {
        Four gradient = load4(dy + i), gate = load4(x + i), up = load4(x + width + i);
        for (int k = 0; k < 4; k++)
        {
            float s = sigmoid(gate.v[k]), weighted = gradient.v[k] * s, value = gate.v[k];
            gate.v[k] = weighted * up.v[k] * (1 + value * (1 - s));
            up.v[k] = weighted * value;
        }
        store4(dx + i, gate);
        store4(dx + width + i, up);
    }
}

// Rows of tokens to heads, queries and keys rotated on the way; or back, with the rotation's transpose. One block for each row.
template <typename T>
__device__ void move_heads(T* rows, T* heads, const i64* index, const T* cosine, const T* sine, i64 positions, int tokens,
    int query_heads, int groups, int head_size, int rotated, int to_heads)
{
    int all = query_heads + 2 * groups;
    i64 position = index ? index[blockIdx.x] : blockIdx.x, batch = position / tokens, t = position % tokens;
    T* token = rows + (i64)blockIdx.x * all * head_size;
    for (int e = 4 * threadIdx.x; e < all * head_size; e += 4 * blockDim.x)
    {
        int head = e / head_size, i = e % head_size;
        int block = head < query_heads ? 0 : head < query_heads + groups ? 1 : 2;
        int count = block == 0 ? query_heads : groups, before = block == 0 ? 0 : query_heads + (block - 1) * groups;
        T* placed = heads + (before * positions + (batch * count + head - before) * tokens + t) * head_size;
        T *from = to_heads ? token + e - i : placed, *to = to_heads ? placed : token + e - i;
        Four value = load4(from + i);
        if (block < 2 && i < rotated)
        {
            bool first = i < rotated / 2;
            int partner = first ? i + rotated / 2 : i - rotated / 2;
            const T *c = cosine + position * head_size, *s = sine + position * head_size;
            Four other = load4(from + partner), cosines = load4(c + i), sines = load4(s + (to_heads ? i : partner));
            float sign = first == (bool)to_heads ? -1 : 1;
            for (int k = 0; k < 4; k++) value.v[k] = value.v[k] * cosines.v[k] + sign * other.v[k] * sines.v[k];
        }
        store4(to + i, value);
    }
}

// A hash of an element's index and a key; the same as on the CPU.
__device__ u32 random_bits(i64 index, u32 key)
{
    u32 x = ((u32)index * 0x9E3779B1u) ^ key;
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

__device__ float rounded(const float*, float value, u32) { return value; }

__device__ float rounded(const bf16*, float value, u32 bits)
{
    return value == value ? __uint_as_float((__float_as_uint(value) + bits) & 0xFFFF0000u) : value;
}

// One element of an AdamW step; what is kept in bfloat16 is rounded up or down at random.
template <typename W, typename M, typename G>
__device__ void adamw(W* weights, const G* gradients, M* firsts, M* seconds, bf16* copy, i64 count, float scale, float shrinkage,
    float negative_step, float epsilon, float beta1, float rest1, float beta2, float rest2, float correction, u32 key, u32 other_key)
{
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (i64)gridDim.x * blockDim.x)
    {
        float gradient = load(gradients + i) * scale;
        float first = gradient * rest1 + load(firsts + i) * beta1;
        float second = gradient * gradient * rest2 + load(seconds + i) * beta2;
        float weight = negative_step * (first / (sqrtf(second) * correction + epsilon)) + load(weights + i) * shrinkage;
        u32 bits = random_bits(i, key);
        store(weights + i, rounded(weights, weight, bits >> 16));
        if (copy) store(copy + i, weight);
        store(firsts + i, rounded(firsts, first, bits & 0xFFFF));
        store(seconds + i, rounded(seconds, second, random_bits(i, other_key) >> 16));
    }
}

// One partial sum of squares for each block.
template <typename T> __device__ void squares(const T* values, i64 count, double* sums)
{
    double sum = 0;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (i64)gridDim.x * blockDim.x)
    {
        double value = load(values + i);
        sum += value * value;
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

#define KERNELS(T, name) \
    extern "C" __global__ void rms_norm_##name(const float* x, const float* w, T* y, float* scales, float epsilon, int width) \
    { rms_norm(x, w, y, scales, epsilon, width); } \
    extern "C" __global__ void rms_norm_hidden_##name(const T* g, const float* x, const float* w, const float* scales, float* dx, int width) \
    { rms_norm_hidden(g, x, w, scales, dx, width); } \
    extern "C" __global__ void rms_norm_weight_##name(const T* g, const float* x, const float* scales, float* sums, i64 rows, int width, int chunk) \
    { rms_norm_weight(g, x, scales, sums, rows, width, chunk); } \
    extern "C" __global__ void swiglu_##name(const T* x, T* y, int width) { swiglu(x, y, width); } \
    extern "C" __global__ void swiglu_back_##name(const T* dy, const T* x, T* dx, int width) { swiglu_back(dy, x, dx, width); } \
    extern "C" __global__ void move_heads_##name(T* rows, T* heads, const i64* index, const T* cosine, const T* sine, i64 positions, int tokens, \
        int query_heads, int groups, int head_size, int rotated, int to_heads) \
    { move_heads(rows, heads, index, cosine, sine, positions, tokens, query_heads, groups, head_size, rotated, to_heads); } \
    extern "C" __global__ void squares_##name(const T* values, i64 count, double* sums) { squares(values, count, sums); }

#define ADAMW(W, w, M, m, G, g) \
    extern "C" __global__ void adamw_##w##_##m##_##g(W* weights, const G* gradients, M* firsts, M* seconds, bf16* copy, i64 count, float scale, \
        float shrinkage, float negative_step, float epsilon, float beta1, float rest1, float beta2, float rest2, float correction, u32 key, u32 other_key) \
    { adamw(weights, gradients, firsts, seconds, copy, count, scale, shrinkage, negative_step, epsilon, beta1, rest1, beta2, rest2, correction, key, other_key); }

KERNELS(float, float32)
KERNELS(bf16, bfloat16)
ADAMW(float, float32, float, float32, float, float32)
ADAMW(float, float32, float, float32, bf16, bfloat16)
ADAMW(float, float32, bf16, bfloat16, float, float32)
ADAMW(float, float32, bf16, bfloat16, bf16, bfloat16)
ADAMW(bf16, bfloat16, float, float32, float, float32)
ADAMW(bf16, bfloat16, float, float32, bf16, bfloat16)
ADAMW(bf16, bfloat16, bf16, bfloat16, float, float32)
ADAMW(bf16, bfloat16, bf16, bfloat16, bf16, bfloat16)
