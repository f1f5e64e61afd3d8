# shellcheck shell=bash
# The settings that Dokku sources (contract, section 1) and the variables that it exports to plugins (section 2, at its end).
# At the top level and not in a function, because declarations of a dokkurc must be global.

# From the settings only: values of the caller's environment are overwritten.
DOCKER_BIN=docker
# shellcheck source=/dev/null
source "$EMBEDDED_DOKKU_HOST/etc/default/dokku"
for file in "$DOKKU_ROOT/dokkurc" "$DOKKU_ROOT/.dokkurc"/*; do
  [[ -e $file ]] || continue
  if [[ ! -r $file ]]; then
    echo "Unable to read $file for sourcing" >&2
    exit 1
  fi
  # shellcheck source=/dev/null
  source "$file"
done
unset file

# The distribution's name, without starting a process.
os_release_id() {
  local key value
  while IFS='=' read -r key value; do
    [[ $key == ID ]] && DOKKU_DISTRO=${value//[\"\']/}
  done
  return 0
}
DOKKU_DISTRO=''
[[ ! -r /etc/os-release ]] || os_release_id </etc/os-release

[[ $PATH == "$EMBEDDED_DOKKU_HOST/bin:"* ]] || PATH=$EMBEDDED_DOKKU_HOST/bin:$PATH

DOKKU_LIB_ROOT=$DOKKU_LIB_PATH # an inherited value is overwritten
: "${DOKKU_HOST_ROOT:=$DOKKU_ROOT}"
: "${DOKKU_IMAGE:=gliderlabs/herokuish:latest-24}" "${DOKKU_CNB_BUILDER:=heroku/builder:24}"
: "${PLUGIN_AVAILABLE_PATH:=$PLUGIN_PATH/available}" "${PLUGIN_ENABLED_PATH:=$PLUGIN_PATH/enabled}"
: "${PLUGIN_CORE_AVAILABLE_PATH:=$PLUGIN_CORE_PATH/available}" "${PLUGIN_CORE_ENABLED_PATH:=$PLUGIN_CORE_PATH/enabled}"
: "${DOKKU_PID:=$$}" "${DOKKU_LOGS_HOST_DIR:=$DOKKU_LOGS_DIR}"
DOKKU_CONTAINER_LABEL=dokku
labels="--label=org.label-schema.schema-version=1.0 --label=org.label-schema.vendor=dokku --label=$DOKKU_CONTAINER_LABEL"

export PATH DOCKER_BIN DOKKU_DISTRO DOKKU_ROOT DOKKU_HOST_ROOT DOKKU_LIB_ROOT DOKKU_IMAGE DOKKU_CNB_BUILDER DOKKU_PID
export PLUGIN_PATH PLUGIN_AVAILABLE_PATH PLUGIN_ENABLED_PATH
export PLUGIN_CORE_PATH PLUGIN_CORE_AVAILABLE_PATH PLUGIN_CORE_ENABLED_PATH
export DOKKU_SYSTEM_USER DOKKU_SYSTEM_GROUP DOKKU_LOGS_DIR DOKKU_LOGS_HOST_DIR DOKKU_EVENTS_LOGFILE
export DOKKU_CONTAINER_LABEL DOKKU_GLOBAL_BUILD_ARGS=$labels DOKKU_GLOBAL_RUN_ARGS=$labels
export DOKKU_API_VERSION=1 DOKKU_NOT_IMPLEMENTED_EXIT=10 DOKKU_VALID_EXIT=0
unset labels
