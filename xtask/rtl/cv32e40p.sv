// CV32E40P on the bench, without floats and without its extensions.

module bench (
`include "ports.svh"
);
  cv32e40p_core core (
      .clk_i(clk),
      .rst_ni(rst_n),
      .pulp_clock_en_i(1'b0),
      .scan_cg_en_i(1'b0),
      .boot_addr_i(32'h80),
      .mtvec_addr_i('0),
      .dm_halt_addr_i('0),
      .hart_id_i('0),
      .dm_exception_addr_i('0),
      .instr_req_o(i_req),
      .instr_gnt_i(i_gnt),
      .instr_rvalid_i(i_valid),
      .instr_addr_o(i_addr),
      .instr_rdata_i(i_rdata),
      .data_req_o(d_req),
      .data_gnt_i(d_gnt),
      .data_rvalid_i(d_valid),
      .data_we_o(d_we),
      .data_be_o(d_be),
      .data_addr_o(d_addr),
      .data_wdata_o(d_wdata),
      .data_rdata_i(d_rdata),
      .apu_gnt_i(1'b0),
      .apu_rvalid_i(1'b0),
      .apu_result_i('0),
      .apu_flags_i('0),
      .irq_i('0),
      .debug_req_i(1'b0),
      .fetch_enable_i(1'b1)
  );

  // As its own counter of instructions counts them: where they leave the decoder.
  assign retired    = core.id_valid & core.is_decoding;
  assign retired_pc = core.pc_id;
endmodule
