// The bench around a core: a memory of one or two ports, the files of the host behind two words, and a count of cycles
// and instructions between two marks.
//
//     bench IMAGE ORIGIN ENTRY BEGIN END PORTS WAIT
//
// IMAGE is what lies from ORIGIN on, 16 MB at most; the core is led to ENTRY. A line `cycles instructions` a marked
// interval goes to standard output: from the instruction at BEGIN, as it is done, to that at END. The memory answers a
// request in the next cycle, or WAIT cycles later, and takes one at a time on each of its PORTS; of two requests on one
// port that for data goes first.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "Vbench.h"
#include "verilated.h"

namespace {

// Where the cores start: a jump to the image.
constexpr uint32_t BOOT = 0x80;
// Two words in place of semihosting: the operation, which reads as the result, and its block, whose store makes the call.
constexpr uint32_t OPERATION = 0xfffffff8, BLOCK = 0xfffffffc;
constexpr uint32_t SIZE = 16 << 20;
// Cycles without an instruction, and in all, after which a core is given up.
constexpr uint64_t STUCK = 100'000, MOST = 1'000'000'000;

[[noreturn]] void fail(const std::string &what) {
    fprintf(stderr, "%s\n", what.c_str());
    exit(2);
}

uint32_t number(const char *text) { return static_cast<uint32_t>(strtoul(text, nullptr, 0)); }

class Memory {
public:
    Memory(const char *image, uint32_t origin, uint32_t entry) : origin(origin), bytes(SIZE) {
        std::ifstream file(image, std::ios::binary);
        std::vector<char> read{std::istreambuf_iterator<char>(file), {}};
        if (read.empty() || read.size() > SIZE) fail("the image cannot be read, or is too large");
        memcpy(bytes.data(), read.data(), read.size());
        uint32_t upper = (entry + 0x800) & 0xfffff000;
        boot[0] = upper | 0x2b7;               // lui t0, upper
        boot[1] = (entry - upper) << 20 | 0x28067; // jr lower(t0)
    }

    uint8_t *at(uint32_t address, uint32_t length) {
        uint32_t offset = address - origin;
        if (offset > SIZE || length > SIZE - offset) fail("an access outside the memory");
        return &bytes[offset];
    }

    uint32_t load(uint32_t address) {
        uint32_t word = address & ~3U, value = 0;
        if (word == OPERATION) return result;
        // Cores fetch ahead of where they jump.
        if (word < BOOT + 0x100) return word == BOOT ? boot[0] : word == BOOT + 4 ? boot[1] : 0x13;
        memcpy(&value, at(word, 4), 4);
        return value;
    }

    void store(uint32_t address, uint32_t enabled, uint32_t data) {
        uint32_t word = address & ~3U;
        if (word == OPERATION) operation = data;
        else if (word == BLOCK) result = call(data);
        else
            for (int i = 0; i < 4; i++)
                if (enabled >> i & 1) *at(word + i, 1) = static_cast<uint8_t>(data >> 8 * i);
    }

    // Whether the program has ended, and with what.
    bool ended = false;
    int status = 0;

private:
    uint32_t origin, operation = 0, result = 0, boot[2];
    std::vector<uint8_t> bytes;
    std::map<uint32_t, FILE *> files;

    // The operations of RISC-V semihosting that the firmware uses.
    uint32_t call(uint32_t block) {
        auto word = [&](uint32_t i) { return load(block + 4 * i); };
        auto file = [&]() {
            auto found = files.find(word(0));
            return found == files.end() ? nullptr : found->second;
        };
        switch (operation) {
        case 0x01: return open(word(0), word(1), word(2));
        case 0x02: {
            FILE *closed = file();
            files.erase(word(0));
            return closed && closed != stderr && fclose(closed) ? -1 : 0;
        }
        case 0x05: {
            uint32_t length = word(2);
            return length - (file() ? fwrite(at(word(1), length), 1, length, file()) : 0);
        }
        case 0x06: {
            uint32_t length = word(2);
            return length - (file() ? fread(at(word(1), length), 1, length, file()) : 0);
        }
        case 0x09: return 0;
        case 0x13: return 0;
        case 0x18: return end(block == 0x20026 ? 0 : 1);
        case 0x20: return end(word(0) == 0x20026 ? static_cast<int>(word(1)) : 1);
        default: fail("an operation of semihosting that the bench lacks: " + std::to_string(operation));
        }
    }

    uint32_t open(uint32_t name, uint32_t mode, uint32_t length) {
        static const char *const MODES[] = {"r", "rb", "r+", "r+b", "w", "wb", "w+", "w+b", "a", "ab", "a+", "a+b"};
        std::string path(reinterpret_cast<char *>(at(name, length)), length);
        if (mode >= std::size(MODES)) return -1;
        FILE *opened = path == ":tt" ? stderr : fopen(path.c_str(), MODES[mode]);
        if (!opened) return -1;
        files[++last] = opened;
        return last;
    }

    uint32_t end(int with) {
        for (auto &[_, opened] : files) fflush(opened);
        ended = true;
        status = with;
        return 0;
    }

    uint32_t last = 0;
};

// What a port of the core waits for, if it does.
struct Answer {
    uint64_t due = 0;
    uint32_t data = 0;
    bool waiting = false;

    void give(uint64_t now, CData &valid, IData &word) {
        valid = waiting && due == now;
        if (!valid) return;
        word = data;
        waiting = false;
    }
};

class Marks {
public:
    Marks(uint32_t begin, uint32_t end) : begin(begin), end(end) {}

    void done(uint64_t now, uint32_t address) {
        if (address == begin) {
            inside = true;
            start = now;
            instructions = 0;
        } else if (address == end && inside) {
            printf("%llu %llu\n", static_cast<unsigned long long>(now - start),
                   static_cast<unsigned long long>(instructions));
            inside = false;
        }
        instructions++;
    }

private:
    uint32_t begin, end;
    bool inside = false;
    uint64_t start = 0, instructions = 0;
};

} // namespace

int main(int count, char **words) {
    if (count != 8) fail("bench IMAGE ORIGIN ENTRY BEGIN END PORTS WAIT");
    Memory memory(words[1], number(words[2]), number(words[3]));
    Marks marks(number(words[4]), number(words[5]));
    const bool shared = number(words[6]) == 1;
    const uint64_t taken = 1 + number(words[7]);
    // When the memory's ports are free again.
    uint64_t ports[2] = {0, 0};
    uint64_t &for_data = ports[0], &for_code = ports[shared ? 0 : 1];
    Answer data, code;
    uint64_t last = 0;

    Vbench core;
    auto edge = [&]() {
        core.clk = 1;
        core.eval();
        core.clk = 0;
    };
    core.rst_n = 0;
    for (int i = 0; i < 8; i++) {
        core.eval();
        edge();
    }
    core.rst_n = 1;

    for (uint64_t now = 0; !memory.ended; now++) {
        code.give(now, core.i_valid, core.i_rdata);
        data.give(now, core.d_valid, core.d_rdata);
        core.eval();
        const bool data_taken = core.d_req && now >= for_data;
        const bool code_taken = core.i_req && now >= for_code && !(shared && data_taken);
        core.d_gnt = data_taken;
        core.i_gnt = code_taken;
        core.eval();
        if (core.retired) {
            marks.done(now, core.retired_pc);
            last = now;
        }
        if (now - last > STUCK || now > MOST) fail("the core has stopped, or does not come to an end");
        if (code_taken) {
            code = {now + taken, memory.load(core.i_addr), true};
            for_code = now + taken;
        }
        if (data_taken) {
            if (core.d_we) memory.store(core.d_addr, core.d_be, core.d_wdata);
            data = {now + taken, core.d_we ? 0 : memory.load(core.d_addr), true};
            for_data = now + taken;
        }
        edge();
    }
    return memory.status;
}
