# bash completion for jvs: eval "$(jvs completion bash)", or this file in a folder that bash-completion reads.
# shellcheck shell=bash

_jvs_completion() {
    local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} notes="" kind value
    # A list is shown and nothing inserted: candidates may have their notes then.
    [[ $COMP_TYPE == 63 ]] && notes=1
    COMPREPLY=()
    while IFS=$'\t' read -r kind value; do
        case $kind in
            plain)
                COMPREPLY+=("$value")
                [[ $value == */ || $value == *= ]] && compopt -o nospace
                ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(_JVS_COMPLETE=bash_complete _JVS_LINE=$line _JVS_WORD=$word _JVS_NOTES=$notes "$1" 2>/dev/null </dev/null)
}

complete -o nosort -F _jvs_completion jvs
