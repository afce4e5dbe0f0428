# Writes the migrations into a source file, so that an installed server needs no path to them.
# Run with -DOUTPUT=<file.cpp> -DFOLDER=<folder of NNNN_name.sql>.
file(GLOB files "${FOLDER}/*.sql")
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME_WE)
  string(REGEX MATCH "^[0-9]+" digits "${name}")
  string(REGEX REPLACE "^0+" "" version "${digits}")
  file(READ "${file}" text)
  string(APPEND rows "    {${version}, \"${name}\", R\"siprec_sql(${text})siprec_sql\"},\n")
endforeach()
file(WRITE "${OUTPUT}.new" "#include \"catalog/migrations.hpp\"

#include <array>

namespace siprec::server {

namespace {

constexpr std::array kMigrations = std::to_array<Migration>({
${rows}});

}  // namespace

std::span<const Migration> migrations() noexcept {
    return kMigrations;
}

}  // namespace siprec::server
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
