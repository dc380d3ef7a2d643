// Ibex on the bench: the core with its register file of flip-flops, without what surrounds it in a secured chip.

module bench (
`include "ports.svh"
);
  logic [4:0] a, b, to;
  logic [31:0] a_data, b_data, to_data;
  logic to_write;

  ibex_core #(
      .RV32M(`RV32M),
      .BranchTargetALU(`STAGES == 3),
      .WritebackStage(`STAGES == 3)
  ) core (
      .clk_i(clk),
      .rst_ni(rst_n),
      .hart_id_i('0),
      // It starts 0x80 behind this address.
      .boot_addr_i('0),
      .instr_req_o(i_req),
      .instr_gnt_i(i_gnt),
      .instr_rvalid_i(i_valid),
      .instr_addr_o(i_addr),
      .instr_rdata_i(i_rdata),
      .instr_err_i(1'b0),
      .data_req_o(d_req),
      .data_gnt_i(d_gnt),
      .data_rvalid_i(d_valid),
      .data_we_o(d_we),
      .data_be_o(d_be),
      .data_addr_o(d_addr),
      .data_wdata_o(d_wdata),
      .data_rdata_i(d_rdata),
      .data_err_i(1'b0),
      .rf_raddr_a_o(a),
      .rf_raddr_b_o(b),
      .rf_waddr_wb_o(to),
      .rf_we_wb_o(to_write),
      .rf_wdata_wb_ecc_o(to_data),
      .rf_rdata_a_ecc_i(a_data),
      .rf_rdata_b_ecc_i(b_data),
      .ic_tag_rdata_i('{default: '0}),
      .ic_data_rdata_i('{default: '0}),
      .ic_scr_key_valid_i(1'b0),
      .irq_software_i(1'b0),
      .irq_timer_i(1'b0),
      .irq_external_i(1'b0),
      .irq_fast_i('0),
      .irq_nm_i(1'b0),
      .debug_req_i(1'b0),
      .fetch_enable_i(ibex_pkg::IbexMuBiOn),
      .rvfi_valid(retired),
      .rvfi_pc_rdata(retired_pc)
  );

  ibex_register_file_ff #(
      .DataWidth(32)
  ) registers (
      .clk_i(clk),
      .rst_ni(rst_n),
      .test_en_i(1'b0),
      .dummy_instr_id_i(1'b0),
      .dummy_instr_wb_i(1'b0),
      .raddr_a_i(a),
      .rdata_a_o(a_data),
      .raddr_b_i(b),
      .rdata_b_o(b_data),
      .waddr_a_i(to),
      .wdata_a_i(to_data),
      .we_a_i(to_write)
  );
endmodule
