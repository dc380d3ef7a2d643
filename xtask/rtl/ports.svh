// What main.cpp drives and reads of every core on the bench: instructions (i), data (d), and what retires.

    input  logic        clk,
    input  logic        rst_n,
    output logic        i_req,
    input  logic        i_gnt,
    output logic [31:0] i_addr,
    input  logic        i_valid,
    input  logic [31:0] i_rdata,
    output logic        d_req,
    input  logic        d_gnt,
    output logic        d_we,
    output logic [ 3:0] d_be,
    output logic [31:0] d_addr,
    output logic [31:0] d_wdata,
    input  logic        d_valid,
    input  logic [31:0] d_rdata,
    output logic        retired,
    output logic [31:0] retired_pc
