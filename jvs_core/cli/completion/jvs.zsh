#compdef jvs
# zsh completion for jvs: eval "$(jvs completion zsh)", or this file as _jvs in a folder of $fpath.

_jvs() {
    local row kind value note
    local -a rows values shown folders
    local line="${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX"
    rows=("${(@f)$(_JVS_COMPLETE=zsh_complete _JVS_LINE=$line "${words[1]}" 2>/dev/null </dev/null)}")
    for row in "${rows[@]}"; do
        kind=${row%%$'\t'*}
        row=${row#*$'\t'}
        value=${row%%$'\t'*}
        note=${row#*$'\t'}
        case $kind in
            plain)
                if [[ $value == */ ]]; then
                    folders+=("$value")
                else
                    values+=("$value")
                    shown+=("$value${note:+  -- $note}")
                fi
                ;;
            file) _files ;;
            dir) _files -/ ;;
        esac
    done
    (( $#values )) && compadd -V jvs -l -d shown -a values
    (( $#folders )) && compadd -V jvs-folders -S '' -a folders
    return 0
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _jvs "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -D; }
    compdef _jvs jvs
fi
