/*
 * Names of functions' arguments: f(days => 1). Of each name the lists that there are; `=` gives
 * what an argument is that is left out.
 */
#include "types/types_int.h"

#define JSON_PATH "target,path,vars={},silent=false"

static const struct {
    const char *function, *arguments;
} rows[] = {
    {"json_array_element", "from_json,element_index"},
    {"json_array_element_text", "from_json,element_index"},
    {"json_array_elements", "from_json"},
    {"json_array_elements_text", "from_json"},
    {"json_each", "from_json"},
    {"json_each_text", "from_json"},
    {"json_object_field", "from_json,field_name"},
    {"json_object_field_text", "from_json,field_name"},
    {"jsonb_array_element", "from_json,element_index"},
    {"jsonb_array_element_text", "from_json,element_index"},
    {"jsonb_array_elements", "from_json"},
    {"jsonb_array_elements_text", "from_json"},
    {"jsonb_each", "from_json"},
    {"jsonb_each_text", "from_json"},
    {"jsonb_insert", "jsonb_in,path,replacement,insert_after=false"},
    {"jsonb_object_field", "from_json,field_name"},
    {"jsonb_object_field_text", "from_json,field_name"},
    {"jsonb_path_exists", JSON_PATH},
    {"jsonb_path_exists_tz", JSON_PATH},
    {"jsonb_path_match", JSON_PATH},
    {"jsonb_path_match_tz", JSON_PATH},
    {"jsonb_path_query", JSON_PATH},
    {"jsonb_path_query_array", JSON_PATH},
    {"jsonb_path_query_array_tz", JSON_PATH},
    {"jsonb_path_query_first", JSON_PATH},
    {"jsonb_path_query_first_tz", JSON_PATH},
    {"jsonb_path_query_tz", JSON_PATH},
    {"jsonb_set", "jsonb_in,path,replacement,create_if_missing=true"},
    {"jsonb_set_lax", "jsonb_in,path,replacement,create_if_missing=true,"
                      "null_value_treatment=use_json_null"},
    {"make_date", "year,month,day"},
    {"make_interval", "years=0,months=0,weeks=0,days=0,hours=0,mins=0,secs=0"},
    {"make_time", "hour,min,sec"},
    {"make_timestamp", "year,month,mday,hour,min,sec"},
    {"make_timestamptz", "year,month,mday,hour,min,sec"},
    {"make_timestamptz", "year,month,mday,hour,min,sec,timezone"},
    {"parse_ident", "str,strict=true"},
};

const char *func_arguments(const char *function, int i)
{
    for (size_t k = 0; k < ARRAY_LEN(rows); k++)
        if (strcmp(rows[k].function, function) == 0 && i-- == 0)
            return rows[k].arguments;
    return NULL;
}
