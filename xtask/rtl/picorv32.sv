// PicoRV32 on the bench: its one port, by the look-ahead signals that a synchronous memory answers in the next cycle.

module bench (
`include "ports.svh"
);
  logic read, write, special;
  logic [31:0] instruction;

  // Instructions and data share the data port, which is never busy when the core asks: it waits for each answer.
  assign i_req   = 1'b0;
  assign i_addr  = '0;
  assign d_req   = read | write;
  assign d_we    = write;

  // It has none of the special registers that the start-up code sets: they read as zero, and writes are lost.
  assign special = instruction[6:0] == 7'b1110011;

  picorv32 #(
      .COMPRESSED_ISA(1),
      .BARREL_SHIFTER(1),
      .ENABLE_FAST_MUL(1),
      .ENABLE_DIV(1),
      .ENABLE_PCPI(1),
      .PROGADDR_RESET(32'h80)
  ) core (
      .clk,
      .resetn(rst_n),
      .mem_ready(d_valid),
      .mem_rdata(d_rdata),
      .mem_la_read(read),
      .mem_la_write(write),
      .mem_la_addr(d_addr),
      .mem_la_wdata(d_wdata),
      .mem_la_wstrb(d_be),
      .pcpi_insn(instruction),
      .pcpi_wr(special),
      .pcpi_rd('0),
      .pcpi_wait(special),
      .pcpi_ready(special),
      .irq('0),
      .rvfi_valid(retired),
      .rvfi_pc_rdata(retired_pc)
  );
endmodule
