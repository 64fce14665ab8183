//! The wire between page and core, declared once: a command that is in the table is a handler, a
//! typed function of the page and, with the capability that grants it, callable. Nothing else is.

/// Declares the commands. Each is one delegation; what a page may wait for streams through `~>`.
macro_rules! commands {
    ($desktop:ident; $(
        $(#[doc = $doc:literal])+
        $name:ident ( $($argument:ident : $type:ty),* $(,)? ) $(~> $channel:ident : $event:ty)? => $reply:ty { $($body:tt)+ }
    )+) => {
        mod handlers {
            use super::*;

            $(
                $(#[doc = $doc])+
                #[tauri::command(rename_all = "snake_case")]
                pub(super) async fn $name(
                    $desktop: tauri::State<'_, Arc<Desktop>>,
                    $($argument: $type,)*
                    $($channel: tauri::ipc::Channel<$event>,)?
                ) -> Result<$reply, Failure> {
                    // A few commands need nothing of it.
                    let _ = &$desktop;
                    let outcome: switchyard_core::Result<$reply> = async { $($body)+ }.await;
                    outcome.map_err(|error| crate::failure(&error))
                }
            )+
        }

        /// Returns what answers the page.
        pub(crate) fn handler() -> impl Fn(tauri::ipc::Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$(handlers::$name),+]
        }

        #[cfg(test)]
        pub(crate) fn table(config: &ts_rs::Config, types: &mut crate::bindings::Types) -> Vec<crate::bindings::Command> {
            vec![$({
                $(types.take::<$type>(config);)*
                $(types.take::<$event>(config);)?
                types.take::<$reply>(config);
                crate::bindings::Command {
                    docs: concat!($($doc, "\n"),+),
                    name: stringify!($name),
                    arguments: vec![$((stringify!($argument), <$type as ts_rs::TS>::name(config))),*],
                    channel: [$((stringify!($channel), <$event as ts_rs::TS>::name(config)))?].into_iter().next(),
                    reply: <$reply as ts_rs::TS>::name(config),
                }
            }),+]
        }
    };
}

pub(crate) use commands;
