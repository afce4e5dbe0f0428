add_executable(siprec-server main.cpp command_line.cpp server_process.cpp)
target_link_libraries(siprec-server PRIVATE
  server_api server_archive server_interop server_recorder server_capture server_catalog server_config server_ops
  CLI11::CLI11 fmt::fmt)
siprec_warnings(siprec-server)
if(SIPREC_INSTALL)
  install(TARGETS siprec-server RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
